import type { TokenSet } from 'portcullis/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keysOf } from '../../../src/login/kept-tokens.js'
import { setUpUserTokens, shared } from '../../support/user-tokens-set-up.js'

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
