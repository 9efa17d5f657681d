import type { TokenSet } from 'portcullis/client'
import { createUserTokens, TokenStoreError } from 'portcullis/login'
import { describe, expect, it, vi } from 'vitest'
import { accountKey, runNativeLogin } from '../../../src/native/native-login.js'
import { reauth, rejected, setUpUserTokens, shared } from '../../support/user-tokens-set-up.js'

const account = { issuer: 'https://login.example.com', subject: 'alice' }

const full = () => Promise.reject(new TokenStoreError('ERR_TOKEN_STORE_CONFIGURATION', 'full'))

/** A user of a machine who signs in, again and again, and a program that uses the tokens. */
async function setUp() {
  const world = setUpUserTokens()
  const { server, inner, lock } = world
  const { provider } = server
  const store = shared(inner)
  const key = await accountKey(provider.name, account)
  const tokens = createUserTokens({ provider, store, lock, key })
  const keep = (login: TokenSet) => {
    const result = { tokens: login, account, claims: undefined, userInfo: undefined }
    return runNativeLogin(provider as never, { store }, async () => result)
  }
  const signIn = async () => {
    const login = server.signIn()
    expect((await keep(login)).key).toBe(key)
    return login
  }
  return { ...world, store, key, tokens, keep, signIn }
}

describe('a native login', () => {
  it('[A3] takes the place of the one before at once, for what uses its tokens in the same process', async () => {
    const { server, tokens, signIn } = await setUp()
    const first = await signIn()
    expect(await tokens.getToken()).toEqual(first)
    const second = await signIn()
    expect((await tokens.getToken()).accessToken).toBe(second.accessToken)
    await tokens.refresh()
    expect(server.sent).toEqual([second.refreshToken])
  })

  it.each([
    ['takes', false],
    ['does not take', true],
  ])('[A3] is not undone by a refresh under way of the tokens before, which the store %s', async (_what, isFull) => {
    const { server, inner, store, key, tokens, signIn } = await setUp()
    await signIn()
    let answer = () => {}
    const asked = new Promise<void>((sent) => {
      server.gate = () =>
        new Promise((resolve) => {
          answer = resolve
          sent()
        })
    })
    const renewing = tokens.refresh()
    await asked
    if (isFull) store.replace = full
    const second = await signIn()
    answer()
    expect((await renewing).accessToken).toBe(second.accessToken)
    expect((await tokens.getToken()).accessToken).toBe(second.accessToken)
    expect((await inner.get(key))?.tokens).toContain(second.refreshToken)
  })

  it('[A3] is not undone by renewed tokens of the one before that the store did not take', async () => {
    const { inner, store, key, tokens, signIn } = await setUp()
    await signIn()
    store.replace = full
    await tokens.refresh()
    const second = await signIn()
    expect((await tokens.getToken()).accessToken).toBe(second.accessToken)
    store.replace = inner.replace
    expect(await tokens.isAuthenticated()).toBe(true)
    expect((await inner.get(key))?.tokens).toContain(second.refreshToken)
  })

  it('[S2-36] is the end of the time in which the user has to sign in', async () => {
    const { tokens, signIn } = await setUp()
    expect(await rejected(tokens.getToken())).toEqual(reauth('no_tokens'))
    const login = await signIn()
    expect(await tokens.getToken()).toEqual(login)
  })

  it('[A12] rejects with a `TokenStoreError` where the store takes the tokens or the name of the account not', async () => {
    const { inner, store, keep, server } = await setUp()
    for (const taken of [0, 1]) {
      let calls = 0
      store.set = async (...args) => {
        calls += 1
        if (calls > taken) throw Object.assign(new Error('at 10.0.0.7'), { code: 'ECONNREFUSED' })
        return inner.set(...args)
      }
      const error = await rejected(keep(server.signIn()))
      expect(error).toMatchObject({ name: 'TokenStoreError', code: 'ERR_TOKEN_STORE_UNAVAILABLE', status: 503 })
      expect(calls).toBe(taken + 1)
    }
  })

  it('keeps the tokens until after both of them have ended', async () => {
    const { store, keep, server } = await setUp()
    const set = vi.spyOn(store, 'set')
    const login = server.signIn('alice', { refresh_token_expires_in: 500 })
    await keep(login)
    const [[, , lifetime], [, , ofPointer]] = set.mock.calls as never as [unknown[], unknown[]]
    expect((lifetime as { ttlMs: number }).ttlMs).toBeGreaterThan(3_600_000)
    expect(ofPointer).toBeUndefined()
  })
})
