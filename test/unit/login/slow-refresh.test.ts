import type { LockStore } from 'portcullis'
import { NetworkError, OAuthClientError, type TokenSet, tokenSetFromResponse } from 'portcullis/client'
import { createUserTokens, type UserTokens } from 'portcullis/login'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { reauth, rejected, setUpUserTokens as setUp, shared } from '../../support/user-tokens-set-up.js'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)
const down = () => Promise.reject(Object.assign(new Error('at 10.0.0.7'), { code: 'ECONNREFUSED' }))
const storeError = (code: string) =>
  expect.objectContaining({ name: 'TokenStoreError', code: `ERR_TOKEN_STORE_${code}`, retryable: true, status: 503 })
const timeout = expect.objectContaining({ code: 'ERR_TIMEOUT', retryable: true })

/** What comes of a promise, and after how many seconds. */
async function timed(promise: Promise<TokenSet>) {
  const startedMs = Date.now()
  let result: { readonly tokens?: TokenSet; readonly error?: unknown } | undefined
  promise.then(
    (tokens) => (result = { tokens }),
    (error: unknown) => (result = { error }),
  )
  while (result === undefined) await vi.advanceTimersByTimeAsync(50)
  return { ...result, seconds: Math.round((Date.now() - startedMs) / 1000) }
}

/** A session whose access token is over, and what the server does when its refresh token comes. */
async function setUpExpired(more: Parameters<ReturnType<typeof setUp>['open']>[0] = {}) {
  const world = setUp()
  const first = world.server.signIn()
  const here = world.open(more)
  await here.set(first)
  await pass(101)
  /** The token is spent as soon as it comes; the answer takes longer. */
  const answersAfter = (seconds: number) =>
    world.server.next(async (previous) => {
      const renewed = await world.server.provider.refresh(previous)
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
      return renewed
    })
  return { ...world, first, here, answersAfter }
}

/** A lock that everybody gets: as after a failover that lost the lease, or a holder that stood still. */
const openLock: LockStore = { acquire: async () => ({ extend: async () => true, release: async () => {} }) }

describe('an answer to a refresh that comes late', () => {
  it('[A1] [S1-14] is kept although no caller waits for it any more, and no refresh token is sent twice', async () => {
    const { server, here, open, answersAfter, events } = await setUpExpired()
    const there = open()
    answersAfter(25)
    expect(await timed(here.getToken())).toEqual({ error: timeout, seconds: 10 })
    expect(await timed(here.getToken())).toEqual({ error: timeout, seconds: 10 })
    const [mine, theirs] = await Promise.all([timed(here.getToken()), timed(there.getToken())])
    expect([mine.seconds, mine.tokens?.accessToken]).toEqual([5, expect.stringContaining('alice')])
    expect(theirs.tokens?.accessToken).toBe(mine.tokens?.accessToken)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
    expect(events).toContainEqual({
      type: 'tokens.refreshed',
      provider: 'corporate',
      durationMs: expect.closeTo(25_000, -2),
    })
    await pass(101)
    expect((await timed(there.getToken())).tokens?.accessToken).toContain('alice')
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] [S1-14] is waited for for a minute; then the token is left alone as after any silence, and sent once more', async () => {
    const { server, here, open } = await setUpExpired()
    server.next(() => new Promise(() => {}))
    expect(await timed(here.getToken())).toEqual({ error: timeout, seconds: 10 })
    const there = open()
    await pass(54)
    expect(server.sent).toHaveLength(1)
    await pass(2)
    for (const tokens of [here, there]) {
      expect(await rejected(tokens.getToken())).toMatchObject({
        code: 'ERR_NETWORK',
        retryAfterMs: expect.closeTo(29_000, -4),
      })
    }
    await pass(31)
    expect((await timed(there.getToken())).tokens?.accessToken).toContain('alice')
    expect([server.sent.length, server.reuses]).toEqual([2, 0])
  })

  it('[A1] is waited for also where no other process shares the store', async () => {
    const { server, answersAfter, first, inner } = await setUpExpired()
    const alone = createUserTokens({ provider: server.provider, store: inner, key: 'alone' })
    await alone.set(first)
    await pass(101)
    answersAfter(15)
    expect(await timed(alone.getToken())).toEqual({ error: timeout, seconds: 10 })
    expect((await timed(alone.getToken())).seconds).toBe(5)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[A1] does not count for a caller whose API refused that very token', async () => {
    const { server, here, answersAfter } = await setUpExpired()
    answersAfter(15)
    await timed(here.getToken())
    const second = (await timed(here.getToken())).tokens as TokenSet
    answersAfter(15)
    expect(await timed(here.getToken({ rejected: second }))).toEqual({ error: timeout, seconds: 10 })
    const third = (await timed(here.getToken({ rejected: second }))).tokens
    expect(third?.accessToken).not.toBe(second.accessToken)
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[S1-27] does not count where it brings the very access token that an API refused', async () => {
    const { server, here, first } = await setUpExpired()
    server.next(async (previous) => {
      const renewed = await server.provider.refresh(previous)
      await new Promise((resolve) => setTimeout(resolve, 15_000))
      const members = { access_token: first.accessToken, refresh_token: renewed.refreshToken }
      return tokenSetFromResponse({ ...members, token_type: 'Bearer', expires_in: 100 }, { clock: Date.now })
    })
    expect(await timed(here.getToken())).toEqual({ error: timeout, seconds: 10 })
    const { tokens } = await timed(here.getToken({ rejected: first }))
    expect(tokens?.accessToken).toContain('alice')
    expect(tokens?.accessToken).not.toBe(first.accessToken)
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] serves who comes meanwhile without another look: nobody asks for the lock again', async () => {
    const { here, lock, answersAfter } = await setUpExpired()
    const acquire = vi.spyOn(lock, 'acquire')
    answersAfter(15)
    await timed(here.getToken())
    expect((await timed(here.getToken())).tokens?.accessToken).toContain('alice')
    expect(acquire).toHaveBeenCalledTimes(1)
  })

  it('[A3] does not bring a session back that was ended meanwhile, and is revoked', async () => {
    const { server, here, inner, answersAfter, open } = await setUpExpired()
    answersAfter(25)
    await timed(here.getToken())
    await open().logout()
    await pass(20)
    expect([await inner.has('user'), server.livingSessions()]).toEqual([false, 0])
    expect(await rejected(here.getToken())).toEqual(reauth('logged_out'))
  })

  it('[A12] is waited for when its owner closes', async () => {
    const { here, inner, answersAfter } = await setUpExpired()
    answersAfter(25)
    await timed(here.getToken())
    let isClosed = false
    void here.close().then(() => (isClosed = true))
    await pass(10)
    expect(isClosed).toBe(false)
    await pass(10)
    expect(isClosed).toBe(true)
    expect((await inner.get('user'))?.tokens).not.toContain('unansweredAtMs')
  })

  it('[S1-14] is not waited for where the server takes spent tokens for a while: the token is sent again', async () => {
    const { server, here } = await setUpExpired({ reuseGraceSeconds: 30 })
    server.next(() => new Promise(() => {}))
    expect(await timed(here.getToken())).toEqual({ error: timeout, seconds: 10 })
    expect((await timed(here.getToken())).tokens?.accessToken).toContain('alice')
    expect(server.sent).toHaveLength(2)
  })
})

describe('processes that all have the lease', () => {
  it('[A1] [S1-14] send a refresh token once: who writes first that it is sent', async () => {
    const { server, open, answersAfter, here } = await setUpExpired({ lock: openLock })
    answersAfter(5)
    const others = [1, 2, 3].map(() => open({ lock: openLock }))
    const all = await Promise.all([here, ...others].map((tokens) => timed(tokens.getToken())))
    expect(all.filter(({ tokens }) => tokens !== undefined)).toHaveLength(1)
    for (const { error } of all.filter(({ tokens }) => tokens === undefined))
      expect(error).toEqual(storeError('LOCKED'))
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
    const after = await Promise.all(others.map((tokens) => timed(tokens.getToken())))
    expect(new Set(after.map(({ tokens }) => tokens?.accessToken)).size).toBe(1)
  })

  it('[S1-27] give nobody the access token that an API refused while another one renews it', async () => {
    const { server, open, here, answersAfter } = await setUpExpired({ lock: openLock })
    const first = server.signIn()
    await here.set(first)
    const there = open({ lock: openLock })
    answersAfter(5)
    const both = [here, there].map((tokens) => timed(tokens.getToken({ rejected: first })))
    const [winner, loser] = (await Promise.all(both)).sort((a, b) => Number('error' in a) - Number('error' in b))
    expect(winner?.tokens?.accessToken).not.toBe(first.accessToken)
    expect(loser?.error).toEqual(storeError('LOCKED'))
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[A1] leave a token alone that another one has sent, for as long as its answer may come', async () => {
    const { server, open, here, answersAfter } = await setUpExpired({ lock: openLock })
    const there = open({ lock: openLock })
    answersAfter(50)
    const mine = timed(here.getToken())
    await pass(45)
    expect(await rejected(there.getToken())).toMatchObject({
      code: 'ERR_NETWORK',
      retryable: true,
      retryAfterMs: expect.closeTo(20_000, -3),
    })
    expect((await mine).error).toEqual(timeout)
    await pass(6)
    expect((await there.getToken()).accessToken).toBe((await here.getToken()).accessToken)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[A1] leave it alone also where their clocks differ', async () => {
    const { server, open, here, answersAfter } = await setUpExpired({ lock: openLock })
    const behind = open({ lock: openLock, clock: () => Date.now() - 40_000, skewSeconds: 0 })
    await pass(50)
    answersAfter(9)
    const mine = timed(here.getToken())
    await pass(1)
    expect(await rejected(behind.getToken())).toMatchObject({ code: 'ERR_NETWORK', retryAfterMs: 65_000 })
    expect((await mine).tokens?.accessToken).toContain('alice')
    expect(server.reuses).toBe(0)
  })

  it('[A3] send nothing for a user who has logged out, or in again, since they read', async () => {
    const { server, inner, open } = await setUpExpired()
    for (const [act, outcome] of [
      [
        (tokens: UserTokens) => tokens.set(server.signIn('bob')),
        { value: expect.objectContaining({ accessToken: expect.stringContaining('bob') }) },
      ],
      [(tokens: UserTokens) => tokens.logout({ revoke: false }), { reason: reauth('logged_out') }],
    ] as const) {
      for (const isElsewhere of [true, false]) {
        await open().set(server.signIn())
        await pass(101)
        let acted: Promise<unknown> | undefined
        const extend = async () => {
          acted ??= act(isElsewhere ? open() : here)
          await acted
          return true
        }
        const here = open({ lock: { acquire: async () => ({ extend, release: async () => {} }) } })
        const [result] = await Promise.allSettled([here.getToken()])
        expect(result).toMatchObject(outcome)
      }
    }
    expect([server.sent, await inner.has('user')]).toEqual([[], false])
  })

  it('[A3] send nothing where they log out while they write that they would', async () => {
    const { server, inner, open } = await setUpExpired()
    const store = shared(inner)
    const tokens = open({}, store)
    store.replace = async (...args) => {
      store.replace = inner.replace
      const isWritten = await inner.replace(...args)
      await tokens.logout({ revoke: false })
      return isWritten
    }
    expect(await rejected(tokens.getToken())).toEqual(reauth('logged_out'))
    expect([server.sent, await inner.has('user')]).toEqual([[], false])
  })
})

describe('a process that is gone before the answer came', () => {
  it('[A1] leaves a token behind that is sent once more, when its answer cannot come any more', async () => {
    const { server, inner, open, first } = await setUpExpired()
    server.next(() => new Promise(() => {}))
    const store = shared(inner)
    store.replace = (...args) => {
      store.replace = () => new Promise(() => {})
      return inner.replace(...args)
    }
    void rejected(open({ lock: openLock }, store).getToken())
    await pass(0)
    expect([server.sent, JSON.parse((await inner.get('user'))?.tokens ?? '{}')]).toEqual([
      [first.refreshToken],
      expect.objectContaining({ unansweredAtMs: Date.now(), answerWithinMs: 65_000 }),
    ])
    const next = open()
    await pass(64)
    expect(await rejected(next.getToken())).toMatchObject({ code: 'ERR_NETWORK', retryAfterMs: 1000 })
    await pass(1)
    expect(await timed(next.getToken())).toMatchObject({
      seconds: 6,
      tokens: { accessToken: expect.stringContaining('alice') },
    })
    expect([server.sent.length, server.reuses]).toEqual([2, 0])
  })

  it('[A1] [A12] but for the store, which was away, has its answer taken before another one sends the token', async () => {
    const { server, inner, open, first } = await setUpExpired()
    const store = shared(inner)
    const here = open({ lock: openLock }, store)
    server.next(async (previous) => {
      store.replace = down
      return server.provider.refresh(previous)
    })
    const mine = await timed(here.getToken())
    expect(mine.tokens?.accessToken).not.toBe(first.accessToken)
    await pass(80)
    // Redis is back, and the lease is gone.
    store.replace = inner.replace
    const theirs = await timed(open({ lock: openLock }).getToken())
    expect(theirs.tokens?.accessToken ?? theirs.error).toBe(mine.tokens?.accessToken)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[A1] and stood still for longer than others wait, sends nothing', async () => {
    const { server, inner, open } = await setUpExpired()
    const now = vi.spyOn(performance, 'now')
    const store = shared(inner)
    store.replace = async (...args) => {
      store.replace = inner.replace
      const isWritten = await inner.replace(...args)
      const later = performance.now() + 61_000
      now.mockImplementation(() => later)
      return isWritten
    }
    expect(await rejected(open({}, store).getToken())).toEqual(storeError('LOCKED'))
    now.mockRestore()
    expect(server.sent).toEqual([])
    expect((await open().getToken()).accessToken).toContain('alice')
  })
})

describe('what is written before a refresh token is sent', () => {
  it('[S1-14] is taken back where it was not sent, or refused and is as good as before', async () => {
    const { server, inner, open } = await setUpExpired()
    server.next('unreached', new OAuthClientError('ERR_RATE_LIMITED'))
    for (const code of ['ERR_CONNECTION', 'ERR_RATE_LIMITED']) {
      expect(await rejected(open().getToken())).toMatchObject({ code })
      expect((await inner.get('user'))?.tokens).not.toContain('unansweredAtMs')
    }
    expect((await open().getToken()).accessToken).toContain('alice')
  })

  it('[S1-14] is known to be void where it could not be taken back', async () => {
    const { server, inner, open } = await setUpExpired()
    const store = shared(inner)
    const tokens = open({}, store)
    server.next(async () => {
      store.replace = down
      throw new NetworkError('ERR_CONNECTION')
    })
    expect(await rejected(tokens.getToken())).toMatchObject({ code: 'ERR_CONNECTION' })
    store.replace = inner.replace
    expect((await tokens.getToken()).accessToken).toContain('alice')
    expect(server.reuses).toBe(0)
  })

  it('[A12] keeps the token from being sent where the store takes nothing, for as long as the user has another', async () => {
    const { server, inner, open, events } = setUp()
    const store = shared(inner, { replace: down })
    const tokens = open({}, store)
    const first = server.signIn()
    await tokens.set(first)
    await pass(95)
    expect((await tokens.getToken()).accessToken).toBe(first.accessToken)
    await pass(1)
    expect(server.sent).toEqual([])
    expect(events).toContainEqual({
      type: 'store.failed',
      store: 'tokens',
      reason: 'ERR_TOKEN_STORE_UNAVAILABLE',
      failedOpen: true,
    })
    const { tokens: second } = await timed(tokens.getToken({ rejected: first }))
    expect(second?.accessToken).toContain('alice')
    expect(server.reuses).toBe(0)
  })

  it('[A12] is no renewal where it seemed to fail, also with a server that does not rotate', async () => {
    for (const rotates of [true, false]) {
      const { server, inner, open } = setUp({ rotates })
      const store = shared(inner)
      const provider = { ...server.provider, rotatesRefreshTokens: undefined }
      const tokens = open({ provider }, store)
      await tokens.set(server.signIn())
      await pass(101)
      store.replace = async (...args) => {
        store.replace = inner.replace
        await inner.replace(...args)
        return down()
      }
      const { tokens: renewed } = await timed(tokens.getToken())
      expect(JSON.parse((await inner.get('user'))?.tokens ?? '{}')).toMatchObject({ accessToken: renewed?.accessToken })
      expect([server.redemptions, server.reuses]).toEqual([1, 0])
    }
  })

  it('[S1-14] is not written where refresh tokens do not rotate, or nobody shares them', async () => {
    const { inner, open, server } = setUp({ rotates: false })
    const replace = vi.fn(inner.replace)
    const tokens = open({}, shared(inner, { replace }))
    await tokens.set(server.signIn())
    const rotating = setUp().server
    const alone = createUserTokens({ provider: rotating.provider, store: { ...inner, replace }, key: 'alone' })
    await alone.set(rotating.signIn())
    await pass(101)
    for (const [user, { next }] of [
      [tokens, server],
      [alone, rotating],
    ] as const) {
      replace.mockClear()
      next('unreached')
      expect(await rejected(user.getToken())).toMatchObject({ code: 'ERR_CONNECTION' })
      expect(replace).not.toHaveBeenCalled()
      await user.getToken()
      expect(replace).toHaveBeenCalledTimes(1)
    }
  })
})
