import type { LockStore } from 'portcullis'
import { NetworkError, OAuthResponseError, type TokenSet } from 'portcullis/client'
import type { TokenProvider, UserTokens } from 'portcullis/login'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serializeTokenSet } from '../../../src/client/token-set-text.js'
import { reauth, rejected, setUpUserTokens as setUp, shared } from '../../support/user-tokens-set-up.js'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const down = () => Promise.reject(Object.assign(new Error('at 10.0.0.7'), { code: 'ECONNREFUSED' }))
const unreached = () => Promise.reject(new NetworkError('ERR_CONNECTION'))

/** A session whose access token is good for five seconds more, and the store object of its process. */
async function setUpNearEnd(more: Parameters<ReturnType<typeof setUp>['open']>[0] = {}) {
  const world = setUp()
  const store = shared(world.inner)
  const here = world.open(more, store)
  const first = world.server.signIn()
  await here.set(first)
  await pass(95)
  return { ...world, store, here, first }
}

/**
 * A session that begins to read its entry just before the first refresh is sent. `read` lets the store answer, and gives
 * what was told of the entry.
 */
async function setUpLateReading() {
  let answer = () => {}
  let reading: Promise<boolean> | undefined
  let beforeSending = async () => {}
  const extend = async () => {
    await beforeSending()
    return true
  }
  const lock: LockStore = { acquire: async () => ({ extend, release: async () => {} }) }
  const world = await setUpNearEnd({ lock })
  const { inner, store, here } = world
  beforeSending = async () => {
    beforeSending = async () => {}
    const entry = await inner.get('user')
    store.get = async () => {
      store.get = inner.get
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return entry
    }
    reading = here.isAuthenticated()
  }
  const read = async () => {
    answer()
    return reading
  }
  return { ...world, read }
}

describe('a refresh that was not answered, and its entry', () => {
  it.each<
    [string, (tokens: UserTokens, other: TokenSet) => Promise<unknown>, (tokens: UserTokens) => Promise<unknown>]
  >([
    [
      'after a logout of this process',
      (tokens) => tokens.logout({ revoke: false }),
      async (tokens) => expect(await rejected(tokens.getToken())).toEqual(reauth('logged_out')),
    ],
    [
      'after another login of this process',
      (tokens, other) => tokens.set(other),
      async (tokens) => expect((await tokens.getToken()).accessToken).toContain('bob'),
    ],
  ])('[A3] bring no tokens back %s, whatever the store does', async (_when, act, expectIt) => {
    for (const isWritable of [true, false]) {
      const { server, inner, store, here, first } = await setUpNearEnd()
      server.next(async () => {
        await act(here, server.signIn('bob'))
        if (!isWritable) store.replace = down
        return unreached()
      })
      expect(await rejected(here.getToken({ rejected: first }))).toMatchObject({ code: 'ERR_CONNECTION' })
      store.replace = inner.replace
      await expectIt(here)
      expect(server.sent).toHaveLength(1)
    }
  })

  it('[A3] bring nothing back that was read before they were renewed', async () => {
    const { server, here, first, read } = await setUpLateReading()
    const renewed = await here.getToken({ rejected: first })
    expect(await read()).toBe(true)
    expect((await here.getToken()).accessToken).toBe(renewed.accessToken)
    expect(server.reuses).toBe(0)
  })

  it('[S1-14] say nothing of a request that was not sent, also where that was read before', async () => {
    const { server, inner, store, here, first, read } = await setUpLateReading()
    server.next(async () => {
      store.replace = down
      return unreached()
    })
    expect(await rejected(here.getToken({ rejected: first }))).toMatchObject({ code: 'ERR_CONNECTION' })
    await read()
    store.replace = inner.replace
    expect((await here.getToken({ rejected: first })).accessToken).not.toBe(first.accessToken)
    expect([server.sent.length, server.reuses]).toEqual([2, 0])
  })
})

describe('how long the answer to a refresh is waited for', () => {
  const timesOf = async (reuseGraceSeconds: number, refresh: TokenProvider['refresh']) => {
    const { server, open } = setUp()
    const asked = vi.fn(refresh)
    const tokens = open({ provider: { ...server.provider, refresh: asked }, reuseGraceSeconds })
    await tokens.set(server.signIn())
    await pass(101)
    void rejected(tokens.getToken())
    await pass(5)
    return asked.mock.calls.map(([, limits]) => [limits?.timeoutMs, limits?.totalTimeoutMs])
  }

  it('[S1-14] is a minute, and the patience of callers only where a spent token is good for longer than that', async () => {
    const never = () => new Promise<never>(() => {})
    for (const [graceSeconds, ms] of [
      [0, 60_000],
      [10, 60_000],
      [11, 10_000],
    ] as const) {
      expect(await timesOf(graceSeconds, never)).toEqual([[ms, ms]])
    }
  })

  it('[S1-14] is what is left of the minute where the token is sent again', async () => {
    const failing = async () => {
      await wait(4000)
      throw new NetworkError('ERR_NETWORK')
    }
    expect(await timesOf(20, failing)).toEqual([
      [10_000, 10_000],
      [56_000, 56_000],
    ])
  })
})

describe('a process that stands still while it writes that it sends', () => {
  const jumps: Readonly<Record<string, (ms: number) => void>> = {
    'by the clock that a sleeping machine stops': (ms) => {
      const now = performance.now() + ms
      vi.spyOn(performance, 'now').mockImplementation(() => now)
    },
    'by the clock that it does not stop': (ms) => void vi.setSystemTime(Date.now() + ms),
  }

  it.each(Object.keys(jumps))('[A1] sends only where callers would still wait as long as ever, %s', async (which) => {
    for (const [ms, isSent] of [
      [50_000, true],
      [50_001, false],
    ] as const) {
      const { server, inner, open } = setUp()
      const store = shared(inner)
      const tokens = open({}, store)
      await tokens.set(server.signIn())
      await pass(101)
      store.replace = async (...args) => {
        store.replace = inner.replace
        const isWritten = await inner.replace(...args)
        jumps[which]?.(ms)
        return isWritten
      }
      const outcome = await tokens.getToken().then(
        () => 'sent',
        ({ code }) => code,
      )
      vi.restoreAllMocks()
      expect([ms, outcome, server.sent.length]).toEqual([
        ms,
        isSent ? 'sent' : 'ERR_TOKEN_STORE_LOCKED',
        isSent ? 1 : 0,
      ])
    }
  })

  it('[A1] says how long its answer may take: longer where the store and callers take longer', async () => {
    for (const [refreshTimeoutMs, timeoutMs, answerWithinMs] of [
      [10_000, 0, 65_000],
      [40_000, 0, 65_000],
      [40_001, 0, 65_001],
      [60_000, 29_000, 95_000],
    ] as const) {
      const { server, inner, open } = setUp()
      const store = shared(inner, { describe: () => ({ ...inner.describe(), persistent: true, timeoutMs }) })
      const tokens = open({ refreshTimeoutMs }, store)
      await tokens.set(server.signIn())
      await pass(101)
      let entry = ''
      server.next(async (previous) => {
        entry = (await inner.get('user'))?.tokens ?? ''
        return server.provider.refresh(previous)
      })
      await tokens.getToken()
      expect(JSON.parse(entry)).toMatchObject({ answerWithinMs })
    }
  })
})

describe('what callers are told', () => {
  it('[S1-14] says of a refresh token that is left alone whose it is, and of a lost lease what was lost', async () => {
    const { server, inner, open } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(101)
    server.next('lost')
    await rejected(tokens.getToken())
    expect(await rejected(tokens.getToken())).toMatchObject({
      ...{ code: 'ERR_NETWORK', operation: 'refresh', issuer: server.provider.issuer, retryAfterMs: 30_000 },
    })
    await open().set(server.signIn())
    await pass(101)
    const lost = open({ lock: { acquire: async () => ({ extend: async () => false, release: async () => {} }) } })
    expect(await rejected(lost.getToken())).toMatchObject({
      detail: 'The hold on the tokens was lost before they were renewed.',
    })
    const store = shared(inner)
    store.replace = async (...args) => {
      store.replace = inner.replace
      const isWritten = await inner.replace(...args)
      vi.setSystemTime(Date.now() + 61_000)
      return isWritten
    }
    expect(await rejected(open({}, store).getToken())).toMatchObject({
      detail: 'The process stood still before the tokens were renewed.',
    })
  })

  it('[S1-27] goes by the clock that was given', async () => {
    let nowMs = 1_800_000_000_000
    const { server, inner, open } = setUp()
    const tokens = open({ clock: () => nowMs })
    const first = server.signIn()
    await tokens.set(first)
    nowMs += 101_000
    server.next('unreached')
    expect(await rejected(tokens.getToken())).toMatchObject({ code: 'ERR_CONNECTION' })
    server.next(async () => {
      await inner.set('user', { v: 1, version: 'theirs', tokens: serializeTokenSet(first), savedAt: 1 })
      throw new OAuthResponseError('ERR_INVALID_GRANT', { status: 400, error: 'invalid_grant' })
    })
    // By the clock of the system, what somebody else put there would still be good.
    expect(await rejected(tokens.getToken())).toMatchObject({ code: 'ERR_TOKEN_STORE_LOCKED' })
  })
})

describe('callers who left before the answer to a refresh', () => {
  it('[A1] leave it under a lease that is kept for as long as it may come: others wait for it', async () => {
    const { server, open, lock } = setUp()
    const extend = vi.fn()
    const counted: LockStore = {
      async acquire(key, ttlMs) {
        const lease = await lock.acquire(key, ttlMs)
        return (
          lease && {
            extend: (ms) => {
              extend()
              return lease.extend(ms)
            },
            release: () => lease.release(),
          }
        )
      },
    }
    const [here, there] = [open({ lock: counted }), open()]
    await here.set(server.signIn())
    await pass(101)
    server.next(async (previous) => {
      const renewed = await server.provider.refresh(previous)
      await wait(55_000)
      return renewed
    })
    const mine = rejected(here.getToken())
    await pass(10)
    expect(await mine).toMatchObject({ code: 'ERR_TIMEOUT' })
    await pass(35)
    // Before it sends, and every ten seconds.
    expect(extend).toHaveBeenCalledTimes(1 + 4)
    const theirs = there.getToken()
    await pass(11)
    expect((await theirs).accessToken).toBe((await here.getToken()).accessToken)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
    await pass(30)
    expect(extend).toHaveBeenCalledTimes(1 + 5)
  })

  it('[A1] find written that it is sent before it is, and nothing sent where somebody else wrote that', async () => {
    const { server, inner, open } = setUp()
    const [here, there] = [open(), open()]
    await here.set(server.signIn())
    await pass(101)
    const seen: string[] = []
    server.next(async (previous) => {
      seen.push((await inner.get('user'))?.tokens ?? '')
      return server.provider.refresh(previous)
    })
    await here.getToken()
    expect(seen).toEqual([expect.stringContaining(`"unansweredAtMs":${Date.now()},"answerWithinMs":65000`)])
    await pass(101)
    const store = shared(inner)
    const late = open({ lock: { acquire: async () => ({ extend: async () => true, release: async () => {} }) } }, store)
    store.replace = async (...args) => {
      store.replace = inner.replace
      await there.getToken()
      return inner.replace(...args)
    }
    const sent = server.sent.length
    expect((await late.getToken()).accessToken).toBe((await there.getToken()).accessToken)
    expect([server.sent.length - sent, server.reuses]).toEqual([1, 0])
  })
})
