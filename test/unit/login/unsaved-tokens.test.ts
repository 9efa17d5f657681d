import type { LockStore } from 'portcullis'
import type { TokenSet } from 'portcullis/client'
import { createUserTokens, type TokenStore } from 'portcullis/login'
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
  expect.objectContaining({ name: 'TokenStoreError', code: `ERR_TOKEN_STORE_${code}` })

/** What comes of a promise, and after how many seconds. */
async function timed<T>(promise: Promise<T>): Promise<{ readonly seconds: number; readonly value: T | unknown }> {
  const startedMs = Date.now()
  const settled = promise.then(
    (value) => ({ value }),
    (value: unknown) => ({ value }),
  )
  let result: { readonly value: T | unknown } | undefined
  void settled.then((outcome) => {
    result = outcome
  })
  while (result === undefined) await vi.advanceTimersByTimeAsync(50)
  return { ...result, seconds: Math.round((Date.now() - startedMs) / 1000) }
}

const tokenOf = (value: unknown) => (value as TokenSet).accessToken

/** A process whose writes do not come through, another one, and a session whose access token has expired. */
async function setUpFailing(replace: TokenStore['replace'], lifeSeconds = 100) {
  const world = setUp({ lifeSeconds })
  const store = shared(world.inner)
  const [here, there] = [world.open({}, store), world.open()]
  const first = world.server.signIn()
  await here.set(first)
  await pass(lifeSeconds + 1)
  store.replace = replace
  const heal = () => {
    store.replace = world.inner.replace
  }
  return { ...world, store, here, there, first, heal }
}

describe('renewed tokens that the store did not take', () => {
  it('[A1] [A12] are never renewed by another process, which would send the spent token', async () => {
    const { server, here, there, events, heal } = await setUpFailing(down)
    const { seconds, value } = await timed(here.getToken())
    expect([seconds, tokenOf(value)]).toEqual([2, expect.stringContaining('alice')])
    expect(events).toContainEqual(expect.objectContaining({ type: 'tokens.persist_failed' }))
    for (const _round of [1, 2]) expect((await timed(there.getToken())).value).toEqual(storeError('LOCKED'))
    heal()
    await pass(5)
    expect(tokenOf((await timed(there.getToken())).value)).toBe(tokenOf(value))
    expect([server.redemptions, server.reuses, server.sent.length]).toEqual([1, 0, 1])
  })

  it('[A1] [A12] are written by themselves once a store answers that stood for minutes, and free the lease', async () => {
    const never = vi.fn<TokenStore['replace']>(() => new Promise(() => {}))
    const { server, inner, here, there, heal } = await setUpFailing(never, 1000)
    const { seconds, value } = await timed(here.getToken())
    expect([seconds, tokenOf(value), never.mock.calls.length]).toEqual([40, expect.stringContaining('alice'), 2])
    await pass(120)
    expect((await timed(there.getToken())).value).toEqual(storeError('LOCKED'))
    heal()
    await pass(25)
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(value))
    expect(tokenOf(await there.getToken())).toBe(tokenOf(value))
    expect((await timed(there.refresh())).seconds).toBe(0)
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] [A12] are renewed by their own process, under the lease that it keeps', async () => {
    const { server, inner, here, there, lock, heal } = await setUpFailing(down)
    const acquire = vi.spyOn(lock, 'acquire')
    const second = await timed(here.getToken())
    await pass(70)
    const third = await timed(here.refresh())
    expect(acquire).toHaveBeenCalledTimes(1)
    expect(new Set([second, third].map(({ value }) => tokenOf(value))).size).toBe(2)
    heal()
    await pass(5)
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(third.value))
    expect(tokenOf((await timed(there.getToken())).value)).toBe(tokenOf(third.value))
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] keep the lease for a renewal that is under way when they are written', async () => {
    const { server, here, there, heal } = await setUpFailing(down)
    await timed(here.getToken())
    await pass(60)
    server.gate = () => new Promise((resolve) => setTimeout(resolve, 8000))
    const renewing = timed(here.refresh())
    await pass(1)
    heal()
    await pass(5)
    const theirs = timed(there.getToken({ rejected: await there.getToken() }))
    expect(tokenOf((await theirs).value)).toBe(tokenOf((await renewing).value))
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A12] hold others up no longer than they serve', async () => {
    const { server, here, there } = await setUpFailing(down)
    await timed(here.getToken())
    await pass(105)
    expect((await timed(there.getToken())).value).toEqual(reauth('invalid_grant'))
    expect(server.reuses).toBe(1)
  })

  it('[A3] free the lease after a logout', async () => {
    const { server, here, there, heal } = await setUpFailing(down)
    await timed(here.getToken())
    heal()
    await here.logout()
    await pass(5)
    await there.set(server.signIn('bob'))
    expect((await timed(there.refresh())).seconds).toBe(0)
  })

  it('[A3] leave a newer login of another process to a logout, which revokes that', async () => {
    const { server, inner, here, there, heal } = await setUpFailing(down)
    await timed(here.getToken())
    const newer = server.signIn('bob')
    await there.set(newer)
    heal()
    expect(await here.logout()).toEqual({ revocation: 'revoked' })
    expect([await inner.get('user'), server.revoked]).toEqual([undefined, [newer.refreshToken]])
  })

  it('[A12] are written also where the lease is lost, and renewed under another one', async () => {
    let isHeld = true
    const acquire = vi.fn<LockStore['acquire']>(async () => ({ extend: async () => isHeld, release: async () => {} }))
    const { server, inner, open } = setUp()
    const store = shared(inner)
    const here = open({ lock: { acquire } }, store)
    await here.set(server.signIn())
    await pass(101)
    store.replace = down
    await timed(here.getToken())
    isHeld = false
    await pass(11)
    isHeld = true
    const third = await timed(here.refresh())
    expect(acquire).toHaveBeenCalledTimes(2)
    store.replace = inner.replace
    await pass(5)
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(third.value))
    expect(server.reuses).toBe(0)
  })

  it('[A12] are tried once more when their owner closes', async () => {
    const { inner, store, here, heal } = await setUpFailing(down)
    const { value } = await timed(here.getToken())
    await here.close()
    heal()
    await here.close()
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(value))
    const get = vi.spyOn(store, 'get')
    await here.close()
    expect(get).not.toHaveBeenCalled()
  })

  it('[S1-14] are left alone for 30 s where they were sent without an answer', async () => {
    const { server, inner, store, here } = await setUpFailing(down)
    store.replace = async (key, version) => ((await inner.get(key))?.version === version ? down() : false)
    await timed(here.getToken())
    await pass(101)
    server.next('lost')
    for (const _call of [1, 2]) expect((await timed(here.getToken())).value).toMatchObject({ code: 'ERR_NETWORK' })
    expect(server.sent).toHaveLength(2)
  })

  it('[S1-14] end with the session, where the store deletes and no more', async () => {
    const { server, inner, store, here, reasons } = await setUpFailing(down)
    const { value } = await timed(here.getToken())
    store.replace = (...args) => (args[2] === undefined ? inner.replace(...args) : down())
    server.endSession(value as TokenSet)
    await pass(101)
    expect((await timed(here.getToken())).value).toEqual(reauth('invalid_grant'))
    expect([await inner.has('user'), reasons]).toEqual([false, ['invalid_grant']])
  })

  it('[S1-14] end with the session, and leave a new login alone', async () => {
    const { server, inner, store, here, there } = await setUpFailing(down)
    const { value } = await timed(here.getToken())
    server.endSession(value as TokenSet)
    await pass(101)
    const login = server.signIn('bob')
    store.get = async (key) => {
      const entry = await inner.get(key)
      if (server.sent.length === 2) await there.set(login)
      return entry
    }
    store.replace = (...args) => (args[2] === undefined ? inner.replace(...args) : down())
    expect(tokenOf((await timed(here.getToken())).value)).toBe(login.accessToken)
    expect(tokenOf(await there.getToken())).toBe(login.accessToken)
  })

  it('[A12] are written in a process that has no lock', async () => {
    const { server, inner } = setUp()
    const store = { ...inner }
    const tokens = createUserTokens({ provider: server.provider, store, key: 'user' })
    await tokens.set(server.signIn())
    await pass(101)
    store.replace = down
    const { value } = await timed(tokens.getToken())
    store.replace = inner.replace
    await pass(5)
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(value))
  })
})

describe('a write that is heard late', () => {
  it('[A1] of tokens that were renewed since is no renewal by somebody else', async () => {
    const late: (() => Promise<boolean>)[] = []
    const { server, inner, store, here } = await setUpFailing(
      (...args) => new Promise(() => void late.push(() => inner.replace(...args))),
      1000,
    )
    const second = await timed(here.getToken())
    store.replace = async (...args) => {
      for (const write of late.splice(0)) await write()
      return inner.replace(...args)
    }
    const { value } = await timed(here.refresh())
    expect(tokenOf(value)).not.toBe(tokenOf(second.value))
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(value))
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] of tokens that could not be written either is replaced by them', async () => {
    const late: (() => Promise<boolean>)[] = []
    const { server, inner, here, heal } = await setUpFailing(
      (...args) => new Promise(() => void late.push(() => inner.replace(...args))),
      1000,
    )
    await timed(here.getToken())
    const { value } = await timed(here.refresh())
    expect(await late[0]?.()).toBe(true)
    heal()
    await pass(25)
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(value))
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] that says a refresh token was sent is no renewal: the new tokens take its place', async () => {
    const { server, inner, here, heal } = await setUpFailing(down)
    heal()
    server.next(async (previous) => {
      const entry = await inner.get('user')
      if (entry !== undefined) await inner.set('user', { ...entry, version: 'marked' })
      return server.provider.refresh(previous)
    })
    const { value } = await timed(here.getToken())
    expect((await inner.get('user'))?.tokens).toContain(tokenOf(value))
    expect(server.reuses).toBe(0)
  })
})

describe('the time that a store may take', () => {
  const slow = (inner: TokenStore, seconds: number, timeoutMs?: number): TokenStore => {
    const late =
      <Arguments extends unknown[], T>(call: (...args: Arguments) => Promise<T>) =>
      async (...args: Arguments): Promise<T> => {
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
        return call(...args)
      }
    const description = { ...inner.describe(), persistent: true, timeoutMs }
    return { ...inner, get: late(inner.get), replace: late(inner.replace), describe: () => description }
  }

  it('[A1] [A12] is what it says of itself, and the lease lasts for as long', async () => {
    const { server, inner, open } = setUp()
    const [here, there] = [open({}, slow(inner, 45, 60_000)), open({}, slow(inner, 45, 60_000))]
    await open().set(server.signIn())
    await pass(101)
    const mine = timed(here.getToken())
    await pass(46)
    const theirs = timed(there.getToken())
    expect(tokenOf((await mine).value)).toContain('alice')
    expect(tokenOf((await theirs).value)).toBe(tokenOf((await mine).value))
    expect([server.redemptions, server.reuses]).toEqual([1, 0])
  })

  it('[A12] is 20 s where it says nothing, or less', async () => {
    const { server, inner, open } = setUp()
    for (const timeoutMs of [undefined, 5000]) {
      const tokens = open({ key: `user-${timeoutMs}` }, slow(inner, 45, timeoutMs))
      await tokens.set(server.signIn())
      await pass(101)
      expect(await timed(tokens.refresh())).toEqual({ seconds: 20, value: storeError('UNAVAILABLE') })
    }
  })

  it('[A12] is refused where it cannot be', () => {
    const { server, inner, lock } = setUp()
    for (const timeoutMs of [Number.NaN, -1, 3_600_001, '1']) {
      const store = { ...inner, describe: () => ({ ...inner.describe(), timeoutMs: timeoutMs as number }) }
      expect(() => createUserTokens({ provider: server.provider, store, lock, key: 'k' })).toThrow(/`timeoutMs`/)
    }
  })
})

it('[A1] sends nothing where the process slept for longer than its lease before it read that it has it', async () => {
  const { server, inner, open, events } = setUp()
  const now = vi.spyOn(performance, 'now')
  const lock: LockStore = {
    acquire: async () => ({
      async extend() {
        const later = performance.now() + 31_000
        now.mockImplementation(() => later)
        return true
      },
      release: async () => {},
    }),
  }
  const tokens = open({ lock }, shared(inner))
  await tokens.set(server.signIn())
  await pass(101)
  expect(await rejected(tokens.getToken())).toEqual(storeError('LOCKED'))
  expect(server.sent).toEqual([])
  expect(events).toContainEqual({ type: 'lock.lost', store: 'tokens' })
  now.mockRestore()
})
