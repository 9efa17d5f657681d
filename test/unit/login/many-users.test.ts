import type { TokenSet } from 'portcullis/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keysOf } from '../../../src/login/keys-of-store.js'
import { rejected, setUpUserTokens, shared } from '../../support/user-tokens-set-up.js'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000)
const down = () => Promise.reject(Object.assign(new Error('at 10.0.0.7'), { code: 'ECONNREFUSED' }))

/** A process that remembers one user at a time, and two users whose access tokens have expired. */
async function setUp() {
  const world = setUpUserTokens()
  const { inner, server, open } = world
  const store = shared(inner)
  keysOf(store, 1)
  const [alice, bob] = [open({ key: 'alice' }, store), open({ key: 'bob' }, store)]
  await alice.set(server.signIn('alice'))
  await bob.set(server.signIn('bob'))
  await pass(101)
  return { ...world, store, alice, bob }
}

/** Holds up whoever waits for it. */
function gate() {
  let letGo = () => {}
  const opened = new Promise<void>((resolve) => {
    letGo = resolve
  })
  return { opened, letGo: () => letGo() }
}

const userOf = ({ accessToken }: TokenSet) => accessToken.split(':')[0]

describe('more users than a process remembers', () => {
  it('[A12] are not logged out where the store fails while their tokens are renewed', async () => {
    const { server, store, alice, bob, reasons } = await setUp()
    server.gate = () => new Promise((resolve) => setTimeout(resolve, 5000))
    const renewing = alice.getToken()
    await pass(1)
    await bob.isAuthenticated()
    store.replace = down
    await pass(10)
    expect(userOf(await renewing)).toBe('alice')
    expect([reasons, server.revoked]).toEqual([[], []])
  })

  it('[A3] get nothing back that was read while they logged out', async () => {
    const { inner, store, alice, bob } = await setUp()
    await alice.refresh()
    const { opened, letGo } = gate()
    store.replace = async (...args) => {
      await opened
      return inner.replace(...args)
    }
    const leaving = alice.clear()
    await pass(1)
    await bob.isAuthenticated()
    await alice.isAuthenticated()
    letGo()
    await leaving
    await expect(alice.getToken()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
  })

  it('[A3] keep what a login brought, whatever was read while it was written', async () => {
    const { inner, store, server, alice, bob } = await setUp()
    await alice.refresh()
    const { opened, letGo } = gate()
    store.set = async (...args) => {
      await opened
      return inner.set(...args)
    }
    const login = server.signIn('alice')
    const setting = alice.set(login)
    await bob.isAuthenticated()
    await alice.isAuthenticated()
    letGo()
    await setting
    expect((await alice.getToken()).accessToken).toBe(login.accessToken)
  })
})

describe('tokens that the store did not take, of more users than a process remembers', () => {
  /** Renews the tokens of Alice while the store takes nothing, and reads those of Bob. */
  async function setUpUnsaved() {
    const world = await setUp()
    const { store, inner, alice, bob } = world
    store.replace = down
    const renewing = alice.getToken()
    await pass(3)
    const renewed = await renewing
    await bob.isAuthenticated()
    const heal = () => {
      store.replace = inner.replace
    }
    return { ...world, renewed, heal }
  }

  it('[A1] [A12] serve on, and are written once it takes them', async () => {
    const { server, inner, alice, renewed, heal } = await setUpUnsaved()
    expect(await alice.getToken()).toBe(renewed)
    heal()
    await pass(5)
    expect((await inner.get('alice'))?.tokens).toContain(renewed.refreshToken)
    await alice.refresh()
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] [A12] are written also where that comes after their end, within a minute', async () => {
    const { server, inner, alice, bob, renewed, heal } = await setUpUnsaved()
    await pass(300)
    await bob.isAuthenticated()
    heal()
    await pass(60)
    expect((await inner.get('alice'))?.tokens).toContain(renewed.refreshToken)
    await alice.refresh()
    expect([server.redemptions, server.reuses]).toEqual([2, 0])
  })

  it('[A1] [A12] are renewed while it takes nothing, and no tokens of further users are', async () => {
    const { server, alice, bob, events, reasons, renewed, heal } = await setUpUnsaved()
    const refusal = rejected(bob.getToken())
    await pass(3)
    expect(await refusal).toMatchObject({
      ...{ code: 'ERR_TOKEN_STORE_UNAVAILABLE', status: 503, retryable: true },
      detail: 'The tokens of too many users wait to be written: the store takes none.',
    })
    expect(server.sent).toHaveLength(1)
    const again = alice.refresh()
    await pass(3)
    expect((await again).refreshToken).not.toBe(renewed.refreshToken)
    expect(events).toContainEqual(expect.objectContaining({ type: 'store.failed', failedOpen: false }))
    heal()
    await pass(5)
    expect(userOf(await bob.getToken())).toBe('bob')
    expect([server.reuses, reasons]).toEqual([0, []])
  })

  it('[A12] keep no further user from a token that is good', async () => {
    const { server, bob, heal } = await setUpUnsaved()
    const login = server.signIn('bob')
    await bob.set(login)
    await pass(95)
    expect(await bob.getToken()).toEqual(login)
    const refusal = rejected(bob.refresh())
    await pass(3)
    expect(await refusal).toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
    expect(server.sent).toHaveLength(1)
    heal()
  })

  it('[A12] make room for others once they are no use to anybody', async () => {
    const { server, store, alice, bob, inner } = await setUp()
    await alice.set(server.signIn('alice'))
    store.replace = down
    const last = server.signIn('alice', { refresh_token: undefined })
    server.next(async () => last)
    const renewing = alice.refresh()
    await pass(3)
    expect(await renewing).toBe(last)
    await pass(200)
    const renewed = bob.getToken()
    await pass(3)
    expect(userOf(await renewed)).toBe('bob')
    store.replace = inner.replace
  })
})
