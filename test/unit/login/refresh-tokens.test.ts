import { inspect } from 'node:util'
import type { LockStore } from 'portcullis'
import {
  NetworkError,
  OAuthClientError,
  OAuthResponseError,
  RequestTimeoutError,
  type TokenSet,
  tokenSetFromResponse,
} from 'portcullis/client'
import {
  createMemoryTokenStore,
  createUserTokens,
  type TokenProvider,
  TokenStoreError,
  type UserTokens,
} from 'portcullis/login'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { successorOf } from '../../../src/login/successors.js'
import {
  type MutableStore,
  reauth,
  rejected,
  setUpUserTokens as setUp,
  shared,
} from '../../support/user-tokens-set-up.js'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const down = () => Promise.reject(Object.assign(new Error('at 10.0.0.7'), { code: 'ECONNREFUSED' }))
const storeError = (code: string, detail = '') =>
  expect.objectContaining({
    ...{ name: 'TokenStoreError', code: `ERR_TOKEN_STORE_${code}`, detail: expect.stringContaining(detail) },
  })

const invalidGrant = () => new OAuthResponseError('ERR_INVALID_GRANT', { status: 400, error: 'invalid_grant' })

/** Lets time pass until `promise` is settled. */
async function settle<T>(promise: Promise<T>, stepMs = 50): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | undefined
  void Promise.allSettled([promise]).then(([only]) => {
    result = only
  })
  while (result === undefined) await vi.advanceTimersByTimeAsync(stepMs)
  return result
}

async function outcomeOf<T>(promise: Promise<T>): Promise<T> {
  const result = await settle(promise)
  if (result.status === 'rejected') throw result.reason
  return result.value
}

describe('a refresh among processes', () => {
  it('[A1] [S1-14] [S2-20] [S2-40] redeems each refresh token once: 50 callers, 4 processes, 5 expiries', async () => {
    const { server, open } = setUp()
    server.gate = () => wait(300)
    const processes = Array.from({ length: 4 }, () => open())
    await processes[0]?.set(server.signIn())
    for (let expiry = 1; expiry <= 5; expiry += 1) {
      await pass(101)
      const calls = Array.from({ length: 50 }, (_, n) => (processes[n % 4] as (typeof processes)[0]).getToken())
      const all = await outcomeOf(Promise.all(calls))
      expect(new Set(all.map(({ accessToken }) => accessToken)).size).toBe(1)
      expect([server.redemptions, server.reuses]).toEqual([expiry, 0])
    }
  })

  it('[A1] keeps its lease for as long as a slow server takes', async () => {
    const { server, open, lock } = setUp()
    server.gate = () => wait(12_000)
    const slow = { refreshTimeoutMs: 60_000 }
    const [here, there] = [open(slow), open(slow)]
    await here.set(server.signIn())
    await pass(101)
    const both = await outcomeOf(Promise.all([here.getToken(), there.getToken()]))
    expect(both[0].accessToken).toBe(both[1].accessToken)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
    server.gate = () => wait(45_000)
    await pass(101)
    const mine = here.getToken()
    const theirs = await settle(there.getToken())
    expect(theirs).toMatchObject({ reason: storeError('LOCKED', 'lock was not to be had') })
    expect(theirs).toMatchObject({ reason: { retryable: true, status: 503 } })
    const acquire = vi.spyOn(lock, 'acquire')
    expect((await outcomeOf(mine)).accessToken).toContain('alice')
    expect([server.redemptions, acquire.mock.calls.length]).toEqual([2, 0])
  })

  it('[S1-14] keeps new tokens before anybody gets them', async () => {
    const { server, inner, open } = setUp()
    const log: string[] = []
    const replace = async (...args: Parameters<typeof inner.replace>) => {
      await wait(100)
      log.push(args[2]?.tokens.includes('unansweredAtMs') ? 'said' : 'kept')
      return inner.replace(...args)
    }
    const tokens = open({}, shared(inner, { replace }))
    await tokens.set(server.signIn())
    await pass(101)
    await outcomeOf(tokens.getToken().then(() => log.push('given')))
    expect(log).toEqual(['said', 'kept', 'given'])
  })

  it('[S1-14] uses what another process renewed instead of sending a refresh token', async () => {
    const { server, open } = setUp()
    const [here, there] = [open(), open()]
    await here.set(server.signIn())
    await there.restore()
    await pass(101)
    const renewed = await here.getToken()
    expect((await there.getToken()).accessToken).toBe(renewed.accessToken)
    expect(server.sent).toHaveLength(1)
  })

  it('[D02] [S1-14] looks again after invalid_grant, and uses what is there', async () => {
    const { server, inner, open, reasons } = setUp()
    const [here, there] = [open(), open()]
    await here.set(server.signIn())
    await pass(101)
    const other = server.signIn()
    server.next(async () => {
      await there.set(other)
      throw invalidGrant()
    })
    expect((await here.getToken()).accessToken).toBe(other.accessToken)
    expect([await inner.has('user'), reasons]).toEqual([true, []])
  })

  it('[A3] [S1-14] never deletes the tokens of a winner: a loser without a lease leaves them alone', async () => {
    const { server, inner, open, events, reasons } = setUp()
    const extend = vi.fn(async () => extend.mock.calls.length === 1)
    const lock: LockStore = { acquire: async () => ({ extend, release: async () => {} }) }
    const replace = vi.fn(inner.replace)
    const tokens = open({ lock, refreshTimeoutMs: 60_000 }, shared(inner, { replace }))
    await tokens.set(server.signIn())
    await pass(101)
    server.next(async () => {
      await wait(11_000)
      throw invalidGrant()
    })
    expect(await settle(tokens.getToken())).toMatchObject({ reason: storeError('LOCKED', 'lost while') })
    expect(events).toContainEqual({ type: 'lock.lost', store: 'tokens' })
    expect([replace.mock.calls.length, await inner.has('user'), reasons]).toEqual([1, true, []])
  })

  it('[S1-14] sends nothing where the lease was lost before', async () => {
    const { server, open } = setUp()
    const lock: LockStore = { acquire: async () => ({ extend: async () => false, release: async () => {} }) }
    const tokens = open({ lock })
    await tokens.set(server.signIn())
    await pass(101)
    expect(await rejected(tokens.getToken())).toEqual(storeError('LOCKED'))
    expect(server.sent).toEqual([])
  })

  it('[S1-14] never sends a refresh token without the lock', async () => {
    const { server, open, events } = setUp()
    for (const lock of [
      { acquire: down },
      { acquire: async () => ({ extend: down, release: down }) },
      { acquire: () => new Promise<never>(() => {}) },
    ]) {
      const tokens = open({ lock })
      await tokens.set(server.signIn())
      await pass(95)
      expect((await tokens.getToken()).accessToken).toContain('alice')
      await pass(6)
      const { reason } = (await settle(tokens.getToken())) as PromiseRejectedResult
      expect(reason).toMatchObject({ name: 'TokenStoreError', retryable: true, status: 503 })
      expect(inspect(reason, { depth: 9 })).not.toContain('10.0.0.7')
    }
    expect(server.sent).toEqual([])
    const failure = { type: 'store.failed', store: 'tokens', reason: 'ERR_TOKEN_STORE_UNAVAILABLE' }
    expect(events).toContainEqual({ ...failure, failedOpen: true })
    expect(events).toContainEqual({ ...failure, failedOpen: false })
  })

  it('[S1-14] takes what is in the store where the lock fails', async () => {
    const { server, open } = setUp()
    const [here, there] = [open({ lock: { acquire: down } }), open()]
    await here.set(server.signIn())
    await pass(101)
    const renewed = await there.getToken()
    expect((await here.getToken()).accessToken).toBe(renewed.accessToken)
  })

  it('[S1-14] goes on without the lock only where refresh tokens do not rotate', async () => {
    const { server, open, events } = setUp({ rotates: false })
    const tokens = open({ lock: { acquire: down } })
    await tokens.set(server.signIn())
    await pass(101)
    expect((await tokens.getToken()).accessToken).toContain('alice')
    expect(events).toContainEqual({ type: 'store.failed', store: 'tokens', reason: 'ECONNREFUSED', failedOpen: true })
  })

  it('[D06] gives who comes with a spent refresh token what it was exchanged for, for 60 s', async () => {
    const { server, lock } = setUp()
    const cookie = () =>
      createUserTokens({ provider: server.provider, store: createMemoryTokenStore(), lock, key: 'c' })
    const first = server.signIn()
    const come = async () => {
      const tokens = cookie()
      await tokens.set(first)
      return tokens.getToken()
    }
    await pass(101)
    const renewed = await come()
    await pass(59)
    expect((await come()).accessToken).toBe(renewed.accessToken)
    expect(server.reuses).toBe(0)
    await pass(2)
    expect(await rejected(come())).toEqual(reauth('invalid_grant'))
    expect(server.reuses).toBe(1)
  })

  it('[D06] follows a spent refresh token to the newest tokens, and to the end of the session', async () => {
    const { server, lock } = setUp({ lifeSeconds: 20 })
    const cookie = () =>
      createUserTokens({ provider: server.provider, store: createMemoryTokenStore(), lock, key: 'c' })
    const first = server.signIn()
    const [here, there, late] = [cookie(), cookie(), cookie()]
    for (const tokens of [here, there, late]) await tokens.set(first)
    await pass(21)
    await here.getToken()
    await pass(21)
    expect((await there.getToken()).accessToken).toBe((await here.getToken()).accessToken)
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
    await here.logout()
    expect(await rejected(late.getToken())).toEqual(reauth('logged_out'))
    expect(server.reuses).toBe(0)
  })

  it('[D06] [S2-41] gives nobody what came after a logout, also where another user has signed in since', async () => {
    const { server, lock } = setUp()
    const cookie = () =>
      createUserTokens({ provider: server.provider, store: createMemoryTokenStore(), lock, key: 'c' })
    const first = server.signIn()
    const [here, late] = [cookie(), cookie()]
    for (const tokens of [here, late]) await tokens.set(first)
    await pass(101)
    server.next(async (previous) => {
      const renewed = await server.provider.refresh(previous)
      await here.logout()
      await here.set(server.signIn('bob'))
      return renewed
    })
    expect((await here.getToken()).accessToken).toContain('bob')
    expect(await rejected(late.getToken())).toEqual(reauth('logged_out'))
  })

  it('[D06] ends one of two sessions that have one refresh token, and renews the other', async () => {
    const { server, open, reasons } = setUp({ rotates: false })
    const [one, other] = [open({ key: 'one' }), open({ key: 'other' })]
    const first = server.signIn()
    for (const tokens of [one, other]) await tokens.set(first)
    await pass(101)
    await one.clear()
    expect((await other.getToken()).accessToken).toContain('alice')
    expect([await rejected(one.getToken()), reasons]).toEqual([reauth('logged_out'), []])
  })

  it('[D06] gives a session what its refresh token was exchanged for in another one, which has ended since', async () => {
    const { server, open } = setUp()
    const [one, other] = [open({ key: 'one' }), open({ key: 'other' })]
    const first = server.signIn()
    for (const tokens of [one, other]) await tokens.set(first)
    await pass(101)
    const renewed = await one.getToken()
    await one.clear()
    expect((await other.getToken()).accessToken).toBe(renewed.accessToken)
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[OIDC-08] [A4] ends the session where the answer is about somebody else', async () => {
    const { server, inner, open, reasons } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(101)
    server.next(new OAuthClientError('ERR_ID_TOKEN_SUBJECT_CHANGED'))
    expect(await rejected(tokens.getToken())).toEqual(reauth('subject_changed'))
    expect([await inner.has('user'), reasons]).toEqual([false, ['subject_changed']])
  })
})

describe('a refresh without an answer', () => {
  it('[S1-14] serves the known token, and leaves the refresh token alone while that is good', async () => {
    const { server, open, types } = setUp()
    const [here, there] = [open(), open()]
    const first = server.signIn()
    await here.set(first)
    await there.restore()
    await pass(91)
    server.next('lost')
    for (const tokens of [here, there, here, there]) {
      expect((await tokens.getToken()).accessToken).toBe(first.accessToken)
      await pass(1)
    }
    expect(server.sent).toHaveLength(1)
    expect(types()).toEqual(['tokens.refresh_failed'])
  })

  it('[S1-14] never sends it twice within 30 s, from whatever process, and then once more', async () => {
    const { server, open } = setUp()
    const [here, there] = [open(), open()]
    await here.set(server.signIn())
    await pass(101)
    server.next(new RequestTimeoutError('ERR_TIMEOUT'), new NetworkError('ERR_NETWORK'))
    expect(await rejected(here.getToken())).toMatchObject({ code: 'ERR_TIMEOUT' })
    await pass(29)
    for (const tokens of [here, there]) {
      expect(await rejected(tokens.getToken())).toMatchObject({
        code: 'ERR_NETWORK',
        retryable: true,
        retryAfterMs: 1000,
      })
    }
    expect(server.sent).toHaveLength(1)
    await pass(1)
    expect(await rejected(there.getToken())).toMatchObject({ code: 'ERR_NETWORK' })
    expect(await rejected(here.getToken())).toMatchObject({ retryAfterMs: 30_000 })
    expect(server.sent).toHaveLength(2)
    await pass(30)
    expect((await here.getToken()).accessToken).toContain('alice')
    await pass(101)
    expect((await there.getToken()).accessToken).toContain('alice')
    expect(server.reuses).toBe(0)
  })

  it('[S1-14] ends the session where the lost answer had the next refresh token', async () => {
    const { server, open } = setUp()
    const tokens = open({ ambiguousRetrySeconds: 5 })
    await tokens.set(server.signIn())
    await pass(101)
    server.next('lost')
    expect(await rejected(tokens.getToken())).toMatchObject({ code: 'ERR_NETWORK' })
    await pass(5)
    expect(await rejected(tokens.getToken())).toEqual(reauth('invalid_grant'))
    expect(server.sent).toHaveLength(2)
  })

  it('[S1-14] remembers it where the store cannot be written', async () => {
    const { server, inner, open } = setUp()
    const tokens = open({}, shared(inner, { replace: down }))
    await tokens.set(server.signIn())
    await pass(101)
    server.next('lost')
    expect(await rejected(tokens.getToken())).toMatchObject({ code: 'ERR_NETWORK' })
    await pass(20)
    expect(await rejected(tokens.getToken())).toMatchObject({ retryAfterMs: 10_000 })
    expect(server.sent).toHaveLength(1)
  })

  it('[S1-14] does not wait for a clock that was set back', async () => {
    const { server, open } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(200)
    server.next(new NetworkError('ERR_NETWORK'))
    await rejected(tokens.getToken())
    vi.setSystemTime(Date.now() - 90_000)
    expect((await tokens.getToken()).accessToken).toContain('alice')
  })

  it('[S1-14] repeats it at once where the server takes spent ones for a while', async () => {
    const { server, open } = setUp()
    const tokens = open({ reuseGraceSeconds: 5 })
    await tokens.set(server.signIn())
    await pass(101)
    server.next(new NetworkError('ERR_NETWORK'))
    expect((await tokens.getToken()).accessToken).toContain('alice')
    expect(server.sent).toHaveLength(2)
    await pass(101)
    server.next(async () => {
      await wait(5000)
      throw new NetworkError('ERR_NETWORK')
    })
    expect(await settle(tokens.getToken())).toMatchObject({ reason: { code: 'ERR_NETWORK' } })
    expect(server.sent).toHaveLength(3)
  })

  it('[S1-14] gives a provider that never answers up, and takes that for no answer', async () => {
    const { server, open } = setUp()
    const refresh = vi.fn<TokenProvider['refresh']>(() => new Promise(() => {}))
    const tokens = open({ provider: { ...server.provider, refresh }, refreshTimeoutMs: 2000 })
    await tokens.set(server.signIn())
    await pass(101)
    expect(await settle(tokens.getToken())).toMatchObject({ reason: { code: 'ERR_TIMEOUT', operation: 'refresh' } })
    expect(refresh.mock.calls[0]?.[1]).toMatchObject({ timeoutMs: 60_000, totalTimeoutMs: 60_000 })
    await pass(63)
    expect(refresh.mock.calls[0]?.[1]?.signal?.aborted).toBe(true)
    await rejected(tokens.getToken())
    expect(refresh).toHaveBeenCalledTimes(1)
  })

  it.each<[string, Error, number]>([
    [
      'a refusal of this client',
      new OAuthResponseError('ERR_INVALID_CLIENT', { status: 401, error: 'invalid_client' }),
      2,
    ],
    ['no connection', new NetworkError('ERR_CONNECTION'), 2],
    ['an open circuit', new OAuthClientError('ERR_CIRCUIT_OPEN'), 2],
    ['a rate limit', new OAuthClientError('ERR_RATE_LIMITED'), 2],
    ['a server error', new OAuthResponseError('ERR_SERVER_FAILURE', { status: 500, error: 'server_error' }), 1],
    ['a broken answer', new OAuthClientError('ERR_RESPONSE_MALFORMED'), 1],
    ['an error of somebody else', new TypeError('CANARY'), 1],
  ])('[S1-14] is told from %s', async (_name, error, attempts) => {
    const { server, open } = setUp()
    const refresh = vi.fn<TokenProvider['refresh']>(() => Promise.reject(error))
    const tokens = open({ provider: { ...server.provider, refresh } })
    await tokens.set(server.signIn())
    await pass(101)
    const thrown = await rejected(tokens.getToken())
    expect(thrown).toBeInstanceOf(OAuthClientError)
    expect(inspect(thrown, { depth: 9 })).not.toContain('CANARY')
    await rejected(tokens.getToken())
    expect(refresh).toHaveBeenCalledTimes(attempts)
  })

  it('[S1-14] pauses in the background after a failure, for as long as the server asks', async () => {
    const { server, open } = setUp({ lifeSeconds: 3600 })
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(3541)
    server.next(new OAuthClientError('ERR_RATE_LIMITED', { retryAfterMs: 20_000 }))
    for (const [seconds, sent] of [
      [19, 1],
      [1, 1],
      [0, 2],
    ] as const) {
      await tokens.getToken()
      await pass(seconds)
      expect(server.sent).toHaveLength(sent)
    }
  })
})

describe('a refresh and a store that fails', () => {
  it('[A12] [S1-14] tries three times within 2 s, then serves the new tokens and tells how long they serve', async () => {
    const { server, inner, open, events } = setUp()
    const replace = vi.fn(down)
    const tokens = open({}, shared(inner, { replace }))
    const first = server.signIn()
    await tokens.set(first)
    await pass(101)
    const started = Date.now()
    const renewed = await outcomeOf(tokens.getToken())
    expect(Date.now() - started).toBeLessThanOrEqual(2050)
    expect(replace).toHaveBeenCalledTimes(4)
    expect(renewed.accessToken).not.toBe(first.accessToken)
    const failure = { type: 'tokens.persist_failed', provider: 'corporate', code: 'ERR_TOKEN_STORE_UNAVAILABLE' }
    expect(events).toContainEqual({ ...failure, secondsAtRisk: 98 })
    expect((await tokens.getToken()).accessToken).toBe(renewed.accessToken)
    expect(server.redemptions).toBe(1)
  })

  it('[A12] [S1-14] writes them as soon as the store answers, and never sends the spent token', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner)
    const { replace } = store
    store.replace = down
    const tokens = open({}, store)
    await tokens.set(server.signIn())
    await pass(101)
    const second = await outcomeOf(tokens.getToken())
    expect(await tokens.isAuthenticated()).toBe(true)
    await pass(101)
    const third = await outcomeOf(tokens.getToken())
    expect(await open().isAuthenticated()).toBe(false)
    store.replace = replace
    expect(await tokens.isAuthenticated()).toBe(true)
    expect((await open().restore())?.accessToken).toBe(third.accessToken)
    expect(new Set([second, third].map(({ accessToken }) => accessToken)).size).toBe(2)
    expect([server.redemptions, server.reuses, new Set(server.sent).size]).toEqual([2, 0, 2])
  })

  it('[A12] serves tokens that were not written while the store cannot be read', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner, { replace: down })
    const tokens = open({}, store)
    await tokens.set(server.signIn())
    await pass(101)
    const renewed = await outcomeOf(tokens.getToken())
    store.get = down
    expect((await tokens.restore())?.accessToken).toBe(renewed.accessToken)
    await pass(101)
    expect((await outcomeOf(tokens.getToken())).accessToken).not.toBe(renewed.accessToken)
    expect(server.reuses).toBe(0)
  })

  it('[S1-14] takes a write that seemed to fail and was heard for what it is', async () => {
    const { server, inner, open, types } = setUp()
    let calls = 0
    const replace = async (...args: Parameters<typeof inner.replace>) => {
      calls += 1
      const answer = await inner.replace(...args)
      return calls === 2 ? down() : answer
    }
    const tokens = open({}, shared(inner, { replace }))
    await tokens.set(server.signIn())
    await pass(101)
    const renewed = await outcomeOf(tokens.getToken())
    expect((await open().restore())?.accessToken).toBe(renewed.accessToken)
    expect([calls, types()]).toEqual([3, ['tokens.refreshed']])
  })

  it('[A12] does not try again what cannot help', async () => {
    const { server, inner, open, events } = setUp()
    const full = new TokenStoreError('ERR_TOKEN_STORE_CONFIGURATION', 'An entry has at most 65536 bytes.')
    const replace = vi.fn(() => Promise.reject(full))
    const tokens = open({}, shared(inner, { replace }))
    await tokens.set(server.signIn())
    await pass(101)
    await tokens.getToken()
    expect(replace).toHaveBeenCalledTimes(2)
    expect(events.at(-1)).toMatchObject({ type: 'tokens.persist_failed', code: 'ERR_TOKEN_STORE_CONFIGURATION' })
  })

  it.each([
    ['UNAVAILABLE', down, true],
    ['LOCKED', () => Promise.reject(new TokenStoreError('ERR_TOKEN_STORE_LOCKED', 'no')), true],
    ['CORRUPT', () => Promise.reject(new TokenStoreError('ERR_TOKEN_STORE_CORRUPT', 'no')), false],
    ['INSECURE', () => Promise.reject(new TokenStoreError('ERR_TOKEN_STORE_INSECURE', 'no')), false],
  ])(
    '[A12] serves a good token while the store fails (%s), and is no logout afterwards',
    async (code, get, retryable) => {
      const { server, inner, open, reasons, events } = setUp()
      const store = shared(inner)
      const tokens = open({}, store)
      const first = server.signIn()
      await tokens.set(first)
      store.get = get as typeof store.get
      await pass(95)
      expect((await tokens.getToken()).accessToken).toBe(first.accessToken)
      expect(await tokens.isAuthenticated()).toBe(true)
      await pass(6)
      for (const reason of [await rejected(tokens.getToken()), await rejected(tokens.isAuthenticated())]) {
        expect(reason).toEqual(storeError(code))
        expect(reason).toMatchObject({ retryable, status: 503 })
      }
      expect(server.sent).toEqual([])
      expect(reasons).toEqual([])
      expect(events.some((event) => event.type === 'store.failed' && event.failedOpen)).toBe(true)
      store.get = inner.get
      expect((await tokens.getToken()).accessToken).toContain('alice')
    },
  )

  it('[A12] does not wait for a store that never answers', async () => {
    const { server, inner, open } = setUp()
    const tokens = open({}, shared(inner, { get: () => new Promise(() => {}) }))
    await tokens.set(server.signIn())
    await pass(101)
    expect(await settle(tokens.getToken(), 1000)).toMatchObject({ reason: storeError('UNAVAILABLE') })
    expect(server.sent).toEqual([])
  })

  it('[A12] refuses an entry that holds no token set', async () => {
    const { inner, open } = setUp()
    for (const text of ['', '{', '{"v":2}', '{"v":1,"accessToken":"x"}']) {
      await inner.set('user', { v: 1, version: `v-${text}`, tokens: text, savedAt: 1 })
      expect(await rejected(open().getToken())).toEqual(storeError('CORRUPT'))
      expect(await inner.has('user')).toBe(true)
    }
  })

  it('[A12] passes on that tokens of a login could not be kept, and serves none of them', async () => {
    const { server, inner, open } = setUp()
    const tokens = open({}, shared(inner, { set: down }))
    expect(await rejected(tokens.set(server.signIn()))).toEqual(storeError('UNAVAILABLE'))
    expect(await rejected(tokens.getToken())).toEqual(reauth('no_tokens'))
  })

  it('[A12] [D02] does not take a dead session for over where the store cannot say whether it was renewed', async () => {
    const { server, inner, open, reasons } = setUp()
    const store = shared(inner)
    const tokens = open({}, store)
    const first = server.signIn()
    await tokens.set(first)
    await pass(101)
    server.next(async () => {
      store.get = down
      throw invalidGrant()
    })
    expect(await rejected(tokens.getToken())).toEqual(storeError('UNAVAILABLE'))
    expect(reasons).toEqual([])
  })
})

describe('a refresh and a logout', () => {
  /** Does something while the answer to a refresh of `here` is on its way. */
  async function during(act: (world: World) => unknown) {
    const world = setUp()
    const store = shared(world.inner)
    const here = world.open({}, store)
    await here.set(world.server.signIn())
    await pass(101)
    world.server.next(async (previous) => {
      const renewed = await world.server.provider.refresh(previous)
      await act({ ...world, here, store })
      return renewed
    })
    return { ...world, here, store, outcome: await settle(here.getToken()) }
  }
  type World = ReturnType<typeof setUp> & {
    readonly here: UserTokens
    readonly store: MutableStore
  }

  it.each([
    ['this process', false],
    ['another process', true],
  ])('[A3] [S2-41] never undoes a logout of %s, and revokes what it brought', async (_name, elsewhere) => {
    const { server, inner, here, outcome, open } = await during(({ open, here }) =>
      (elsewhere ? open() : here).logout(),
    )
    expect(outcome).toMatchObject({ reason: reauth('logged_out') })
    expect(await inner.has('user')).toBe(false)
    expect(server.revoked).toHaveLength(2)
    for (const tokens of [here, open()]) {
      expect(await tokens.isAuthenticated()).toBe(false)
      expect(await rejected(tokens.getToken())).toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
    }
  })

  it('[A3] never undoes a logout that the store did not hear', async () => {
    const { server, here, outcome } = await during(async ({ store, here }) => {
      Object.assign(store, { get: down, replace: down, delete: down })
      expect(await rejected(here.logout())).toEqual(storeError('UNAVAILABLE'))
    })
    expect(outcome).toMatchObject({ reason: reauth('logged_out') })
    expect(server.revoked).toHaveLength(2)
    expect(await rejected(here.getToken())).toEqual(storeError('UNAVAILABLE'))
  })

  it('[A3] leaves a login alone that came meanwhile', async () => {
    let login: TokenSet | undefined
    const { here, outcome, open } = await during(async ({ server, open }) => {
      login = server.signIn('bob')
      await open().set(login)
    })
    expect(outcome).toMatchObject({ value: { accessToken: login?.accessToken } })
    expect((await here.getToken()).accessToken).toBe(login?.accessToken)
    expect((await open().restore())?.accessToken).toBe(login?.accessToken)
  })

  it.each([
    [true, undefined],
    [false, expect.stringContaining('alice')],
  ])('remembers what a refresh token was exchanged for, unless a login came meanwhile: %s', async (comes, known) => {
    const { server, open } = setUp()
    const here = open()
    const first = server.signIn()
    await here.set(first)
    await pass(101)
    server.next(async (previous) => {
      const renewed = await server.provider.refresh(previous)
      if (comes) await open().set(server.signIn('bob'))
      return renewed
    })
    await settle(here.getToken())
    const successor = await successorOf({ provider: server.provider, key: 'user', clock: Date.now }, first)
    expect((successor as TokenSet | undefined)?.accessToken).toEqual(known)
  })

  it('[S2-41] deletes an entry that cannot be read, and revokes what is known', async () => {
    const { server, inner, open } = setUp()
    await open().set(server.signIn())
    const failing = open(
      {},
      shared({ ...inner, get: () => Promise.reject(new TokenStoreError('ERR_TOKEN_STORE_CORRUPT', 'no')) }),
    )
    expect(await failing.logout()).toEqual({ revocation: 'nothing' })
    expect(await inner.has('user')).toBe(false)
  })

  it('[S2-41] reads an entry again where the store failed for a moment, and revokes its tokens', async () => {
    const { server, inner, open } = setUp()
    const login = server.signIn()
    await open().set(login)
    const get = vi.fn(inner.get).mockImplementationOnce(down).mockImplementationOnce(down)
    expect(await outcomeOf(open({}, shared(inner, { get })).logout())).toEqual({ revocation: 'revoked' })
    expect(server.revoked).toEqual([login.refreshToken])
    expect(await inner.has('user')).toBe(false)
  })

  it('[S2-41] leaves the tokens of another server where they are, though the store failed for a moment', async () => {
    const { server, inner, open } = setUp()
    await open().set(server.signIn())
    const get = vi.fn(inner.get).mockImplementationOnce(down)
    const provider = { ...server.provider, serverId: 'https://another.example' }
    expect(await outcomeOf(open({ provider }, shared(inner, { get })).logout())).toEqual({ revocation: 'nothing' })
    expect(server.revoked).toEqual([])
    expect(await inner.has('user')).toBe(true)
  })

  it('[S2-41] revokes tokens whose deletion the store heard, but did not confirm', async () => {
    const { server, inner, open } = setUp()
    const login = server.signIn()
    await open().set(login)
    const replace = vi.fn(inner.replace).mockImplementationOnce(async (...entry) => {
      await inner.replace(...entry)
      return down()
    })
    expect(await outcomeOf(open({}, shared(inner, { replace })).logout())).toEqual({ revocation: 'revoked' })
    expect(server.revoked).toEqual([login.refreshToken])
  })

  it('[S2-41] [A12] says that the entry is still there, and revokes the tokens all the same', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner)
    const tokens = open({}, store)
    const first = server.signIn()
    await tokens.set(first)
    Object.assign(store, { get: down, delete: down, replace: down })
    expect(await settle(tokens.logout())).toMatchObject({ reason: storeError('UNAVAILABLE') })
    expect(server.revoked).toEqual([first.refreshToken])
    expect(await rejected(tokens.getToken())).toEqual(storeError('UNAVAILABLE'))
  })

  it.each([
    ['keeps changing', async () => false, { value: { revocation: 'revoked' } }],
    ['can be read, and not deleted', down, { reason: storeError('UNAVAILABLE') }],
  ])(
    '[S2-41] [A12] revokes what it read of an entry that %s, in a process that knew nothing of it',
    async (_what, replace, outcome) => {
      const { server, inner, open } = setUp()
      const login = server.signIn()
      await open().set(login)
      const more = replace === down ? { replace, delete: down } : { replace }
      expect(await settle(open({}, shared(inner, more)).logout())).toMatchObject(outcome)
      expect(server.revoked).toEqual([login.refreshToken])
    },
  )

  it('[S2-41] gives up swapping an entry that keeps changing, and deletes it', async () => {
    const { server, inner, open } = setUp()
    const replace = vi.fn(async () => false)
    const tokens = open({}, shared(inner, { replace }))
    await tokens.set(server.signIn())
    await tokens.logout()
    expect(replace).toHaveBeenCalledTimes(5)
    expect(await inner.has('user')).toBe(false)
  })

  it('[A3] does not bring tokens back that could not be written before the logout', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner, { replace: down })
    const [here, there] = [open({}, store), open()]
    await here.set(server.signIn())
    await pass(101)
    const unsaved = await outcomeOf(here.getToken())
    await there.clear()
    store.replace = inner.replace
    expect(await here.isAuthenticated()).toBe(false)
    expect(server.revoked).toEqual([unsaved.refreshToken])
    await here.set(server.signIn())
    await pass(101)
    store.replace = down
    const again = await outcomeOf(here.getToken())
    store.replace = inner.replace
    expect(await here.logout()).toEqual({ revocation: 'revoked' })
    expect(server.revoked).toEqual([unsaved.refreshToken, again.refreshToken])
    expect(await inner.has('user')).toBe(false)
  })

  it('[A3] gives a new login precedence over tokens that could not be written', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner, { replace: down })
    const [here, there] = [open({}, store), open()]
    await here.set(server.signIn())
    await pass(101)
    await outcomeOf(here.getToken())
    const login = server.signIn('bob')
    await there.set(login)
    store.replace = inner.replace
    expect((await here.restore())?.accessToken).toBe(login.accessToken)
    expect(server.revoked).toEqual([])
  })

  it('[A3] does not serve what was read before a logout', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner)
    const tokens = open({}, store)
    await open().set(server.signIn())
    let goOn = () => {}
    store.get = async (key) => {
      const entry = await inner.get(key)
      store.get = inner.get
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      return entry
    }
    const reading = rejected(tokens.getToken())
    await pass(0)
    await tokens.clear()
    goOn()
    expect(await reading).toEqual(reauth('logged_out'))
    expect(await rejected(tokens.getToken())).toEqual(reauth('logged_out'))
  })

  it('lets the later of a login and a logout win', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner)
    store.set = async (...args) => {
      await wait(100)
      return inner.set(...args)
    }
    const tokens = open({}, store)
    const setting = tokens.set(server.signIn())
    await tokens.clear()
    await outcomeOf(setting)
    expect(await tokens.isAuthenticated()).toBe(true)
    expect(tokensOf(await inner.get('user'))).toContain('alice')
  })
})

const tokensOf = (entry: { readonly tokens: string } | undefined) => entry?.tokens

describe('a refresh that loses a race', () => {
  it('[A3] uses what the winner put there, or says that it is being renewed', async () => {
    const { server, inner, open } = setUp()
    const store = shared(inner)
    const tokens = open({}, store)
    await tokens.set(server.signIn())
    await pass(101)
    server.next(async () => {
      await open().set(
        tokenSetFromResponse({ access_token: 'old', token_type: 'Bearer', expires_in: 0 }, { clock: Date.now }),
      )
      throw invalidGrant()
    })
    expect(await rejected(tokens.getToken())).toEqual(storeError('LOCKED', 'Somebody else is renewing'))
  })

  it('[A3] says that it was a logout where the entry is gone after invalid_grant', async () => {
    const { server, inner, open, reasons } = setUp()
    const tokens = open()
    await tokens.set(server.signIn())
    await pass(101)
    server.next(async () => {
      await inner.delete('user')
      throw invalidGrant()
    })
    expect(await rejected(tokens.getToken())).toEqual(reauth('logged_out'))
    expect(reasons).toEqual(['logged_out'])
  })

  it('[A3] keeps what was put there between the look and the deletion', async () => {
    const { server, inner, open } = setUp()
    const login = server.signIn('bob')
    const replace = async (...args: Parameters<typeof inner.replace>) => {
      if (args[2] === undefined) await open().set(login)
      return inner.replace(...args)
    }
    const tokens = open({}, shared(inner, { replace }))
    const first = server.signIn()
    await tokens.set(first)
    await pass(95)
    server.endSession(first)
    expect((await tokens.getToken({ rejected: first })).accessToken).toBe(login.accessToken)
  })
})
