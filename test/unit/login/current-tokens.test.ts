import { NetworkError } from 'portcullis/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { reauth, rejected, setUpUserTokens as setUp, shared } from '../../support/user-tokens-set-up.js'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)

describe('startBackgroundRefresh', () => {
  it('[S2-38] renews ahead of the end, again and again, with one timer', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open()
    tokens.startBackgroundRefresh()
    tokens.startBackgroundRefresh()
    await tokens.set(server.signIn())
    expect(vi.getTimerCount()).toBe(1)
    await pass(3530)
    expect(server.redemptions).toBe(0)
    await pass(20)
    expect(server.redemptions).toBe(1)
    await pass(3600 * 3)
    expect([server.redemptions, server.reuses]).toEqual([4, 0])
  })

  it('[S2-38] tries again after a failure, and finds what another process signed in', async () => {
    const { server, open, reasons } = setUp({ lifeSeconds: 3600 })
    const [here, there] = [open(), open()]
    here.startBackgroundRefresh()
    await pass(61)
    await there.set(server.signIn())
    await pass(61)
    server.next('unreached', 'unreached')
    await pass(3420)
    expect(server.redemptions).toBe(0)
    await pass(120)
    expect(server.redemptions).toBe(1)
    expect(reasons).toEqual(['no_tokens'])
  })

  it('[S2-38] tries again 30 s after a failure, and not before', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open()
    tokens.startBackgroundRefresh()
    await tokens.set(server.signIn())
    server.next('unreached')
    while (server.sent.length === 0) await pass(1)
    await pass(28)
    expect(server.sent).toHaveLength(1)
    await pass(3)
    expect(server.redemptions).toBe(1)
  })

  it('[S2-38] leaves a refresh token alone that was sent without an answer while the token is good', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open()
    await tokens.set(server.signIn())
    tokens.startBackgroundRefresh()
    server.next(new NetworkError('ERR_NETWORK'))
    await pass(3599)
    expect(server.sent).toHaveLength(1)
    await pass(60)
    expect(server.redemptions).toBe(1)
  })

  it('[S2-38] [S2-41] ends with a logout and with close', async () => {
    const { server, open } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    tokens.startBackgroundRefresh()
    await tokens.logout()
    expect(vi.getTimerCount()).toBe(0)
    await tokens.set(server.signIn())
    expect(vi.getTimerCount()).toBe(0)
    tokens.startBackgroundRefresh()
    await tokens.close()
    expect(vi.getTimerCount()).toBe(0)
    await pass(200)
    expect(server.sent).toEqual([])
  })
})

describe('a refresh ahead of the end', () => {
  it('[S2-38] begins as early as it is told to', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open({ skewSeconds: 300 })
    await tokens.set(server.signIn())
    await pass(3290)
    await tokens.getToken()
    await pass(0)
    expect(server.redemptions).toBe(0)
    await pass(20)
    await tokens.getToken()
    await pass(0)
    expect(server.redemptions).toBe(1)
  })

  it('[S2-38] waits ten seconds where it brings nothing new, however many ask', async () => {
    const { server, open } = setUp({ lifeSeconds: 1000 })
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    const again = async () => first
    server.next(again, again)
    await pass(945)
    const ask = async () => {
      await tokens.getToken()
      await pass(0)
    }
    for (let count = 0; count < 5; count += 1) await ask()
    expect(server.sent).toHaveLength(1)
    await pass(11)
    await ask()
    expect(server.sent).toHaveLength(2)
  })

  it('[S2-38] waits for nothing after one that brought good tokens', async () => {
    const { server, open } = setUp({ lifeSeconds: 10 })
    const tokens = open()
    await tokens.set(server.signIn())
    for (const count of [1, 2]) {
      await pass(9.2)
      await tokens.getToken()
      await pass(0)
      expect(server.redemptions).toBe(count)
    }
  })

  it('[S1-27] is one for all who wait, also where it brings nothing new', async () => {
    const { server, open } = setUp({ lifeSeconds: 1000 })
    const tokens = open()
    const first = server.signIn()
    const short = server.signIn('alice', { expires_in: 0.5 })
    await tokens.set(short)
    server.next(async () => first)
    await pass(945)
    const [one, two] = await Promise.all([tokens.getToken(), tokens.getToken()])
    expect([one.accessToken, two.accessToken]).toEqual([first.accessToken, first.accessToken])
    expect(server.sent).toHaveLength(1)
  })

  it('[S2-38] is not made before its time by the timer, which follows new tokens and the clock that is given', async () => {
    const long = setUp({ lifeSeconds: 3 * 3600 })
    const acquire = vi.spyOn(long.lock, 'acquire')
    const tokens = long.open()
    tokens.startBackgroundRefresh()
    await tokens.set(long.server.signIn())
    await pass(2 * 3600)
    expect([long.server.redemptions, acquire.mock.calls.length]).toEqual([0, 0])
    await tokens.close()
    for (const [aheadSeconds, dueAfter] of [
      [0, 90],
      [85, 5],
    ] as const) {
      const { server, open } = setUp()
      const others = open({ clock: () => Date.now() + aheadSeconds * 1000 })
      others.startBackgroundRefresh()
      await others.set(server.signIn())
      await pass(dueAfter - 2)
      expect(server.redemptions).toBe(0)
      await pass(4)
      expect(server.redemptions).toBe(1)
      await others.close()
    }
  })

  it('[S1-38] is not made for who wants none: the user has to sign in where the store has nothing either', async () => {
    const { server, open, inner } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(101)
    await inner.delete('user')
    expect(await rejected(tokens.getToken({ autoRefresh: false }))).toEqual(reauth('expired'))
  })

  it('[S1-27] that had no answer gives nobody the refused token meanwhile', async () => {
    const { server, open } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    server.next(new NetworkError('ERR_NETWORK'))
    for (let count = 0; count < 2; count += 1) {
      expect(await rejected(tokens.getToken({ rejected: first }))).toMatchObject({ code: 'ERR_NETWORK' })
    }
    expect(server.sent).toHaveLength(1)
  })
})

describe('close', () => {
  it('[S1-38] waits for a refresh under way, whatever becomes of it', async () => {
    for (const mishap of [[], ['unreached' as const]]) {
      const { server, open } = setUp()
      const tokens = open()
      await tokens.set(server.signIn())
      await pass(95)
      let letGo = () => {}
      server.gate = () =>
        new Promise((resolve) => {
          letGo = resolve
        })
      server.next(...mishap)
      await tokens.getToken()
      const closed = vi.fn()
      const closing = tokens[Symbol.asyncDispose]().then(closed)
      await pass(1)
      expect(closed).not.toHaveBeenCalled()
      letGo()
      await pass(1)
      await closing
      expect(closed).toHaveBeenCalledTimes(1)
    }
  })
})

describe('a refresh for a refused token', () => {
  it('[S1-27] is one of its own where the one under way brings the refused token', async () => {
    const { server, open } = setUp()
    const tokens = open()
    const first = server.signIn()
    await tokens.set(first)
    await pass(95)
    server.next(async () => first)
    await tokens.getToken()
    const renewed = await tokens.getToken({ rejected: first })
    expect(renewed.accessToken).not.toBe(first.accessToken)
    expect(server.sent).toHaveLength(2)
    expect(await rejected(tokens.getToken())).toBeUndefined()
  })
})

describe('an end that another process made', () => {
  it('[A3] is a logout where the tokens that were held are gone', async () => {
    const { server, open } = setUp()
    const [here, there] = [open(), open()]
    await here.set(server.signIn())
    await there.logout()
    await pass(101)
    expect(await rejected(here.getToken())).toEqual(reauth('logged_out'))
  })
})

describe('a store that fails', () => {
  const down = () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))

  it('[A12] says that the store failed also where the tokens went with a logout meanwhile', async () => {
    const { server, open, inner, events } = setUp()
    const store = shared(inner)
    const acquire = async () => {
      await tokens.logout({ revoke: false })
      store.get = down
      return down()
    }
    const tokens = open({ lock: { acquire } }, store)
    await tokens.set(server.signIn())
    await pass(101)
    expect(await rejected(tokens.getToken())).toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
    const failure = { type: 'store.failed', store: 'tokens', reason: 'ERR_TOKEN_STORE_UNAVAILABLE', failedOpen: false }
    expect(events).toContainEqual(failure)
  })

  it('[A12] serves what is held and tells it, and says so where nothing is', async () => {
    const { server, open, inner, events } = setUp()
    const store = shared(inner)
    const tokens = open({}, store)
    await tokens.set(server.signIn())
    store.get = down
    expect(await tokens.isAuthenticated()).toBe(true)
    expect(events).toMatchObject([
      { type: 'store.failed', store: 'tokens', reason: 'ERR_TOKEN_STORE_UNAVAILABLE', failedOpen: true },
    ])
    const others = open({}, shared(inner, { get: down }))
    expect(await rejected(others.isAuthenticated())).toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
    await pass(101)
    expect(await rejected(tokens.isAuthenticated())).toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
  })
})

describe('a caller who waits no longer', () => {
  it('[S1-27] is told what was given up', async () => {
    const { server, open } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(101)
    server.gate = () => new Promise(() => undefined)
    const timedOut = rejected(tokens.getToken({ timeoutMs: 1000 }))
    const givingUp = new AbortController()
    const aborted = rejected(tokens.getToken({ signal: givingUp.signal }))
    await pass(1)
    givingUp.abort()
    expect(await timedOut).toMatchObject({ code: 'ERR_TIMEOUT', operation: 'refresh' })
    expect(await aborted).toMatchObject({ code: 'ERR_ABORTED', operation: 'refresh' })
  })
})

describe('the lock of a refresh', () => {
  it('[A1] is one of its own for each key', async () => {
    const { server, open, lock } = setUp()
    const names: string[] = []
    const noted: typeof lock = {
      ...lock,
      acquire: (key, ttlMs) => {
        names.push(key)
        return lock.acquire(key, ttlMs)
      },
    }
    for (const key of ['a', 'b']) {
      const tokens = open({ key, lock: noted })
      await tokens.set(server.signIn(key))
      await pass(101)
      await tokens.getToken()
    }
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^refresh:[\w-]{43}$/)
  })
})
