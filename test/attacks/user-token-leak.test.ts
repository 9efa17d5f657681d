import { inspect } from 'node:util'
import type { LockStore, PortcullisEvent } from 'portcullis'
import { createAuthenticatedFetch, NetworkError, tokenSetFromResponse } from 'portcullis/client'
import { createMemoryTokenStore, createUserTokens, type TokenProvider, type TokenStore } from 'portcullis/login'
import { expect, it } from 'vitest'

const canary = 'CANARY'
const now = 1_800_000_000_000

/** Every word of a program that fails in many ways, with secrets everywhere. */
async function everythingSaid(): Promise<string> {
  const said: unknown[] = []
  const onEvent = (event: PortcullisEvent) => void said.push(event)
  const note = (value: unknown) => void said.push(value)
  const secret = (name: string) => new Error(`${canary}-${name}`)
  const issued = { access_token: `${canary}-a`, refresh_token: `${canary}-r`, id_token: `${canary}-i`, team: canary }
  const login = tokenSetFromResponse({ ...issued, token_type: 'Bearer', expires_in: 10 }, { clock: () => now })
  const inner = createMemoryTokenStore()
  const failing: TokenStore = { ...inner, replace: () => Promise.reject(secret('store')) }
  const broken: TokenStore = { ...inner, get: () => Promise.reject(secret('store')) }
  const lost: LockStore = { acquire: () => Promise.reject(secret('lock')) }
  const provider: TokenProvider = {
    name: 'corporate',
    issuer: 'https://login.example.com',
    refresh: async () => Promise.reject(secret('provider')),
    revoke: async () => Promise.reject(secret('provider')),
  }
  const lostAnswer = { ...provider, refresh: async () => Promise.reject(new NetworkError('ERR_NETWORK')) }
  const renewing = { ...provider, refresh: async () => login }
  const worlds = [
    { provider, store: inner },
    { provider: lostAnswer, store: failing },
    { provider: renewing, store: inner, lock: lost },
    { provider, store: broken },
  ]
  for (const [index, world] of worlds.entries()) {
    for (const aheadMs of [0, 9500, 20_000]) {
      const tokens = createUserTokens({ ...world, key: `${canary}-key-${index}`, clock: () => now + aheadMs, onEvent })
      const account = { issuer: 'https://login.example.com', subject: canary }
      note(tokens)
      note(await tokens.set(login, { account }).catch(note))
      for (const call of [tokens.getToken, tokens.refresh, tokens.isAuthenticated, tokens.restore, tokens.logout]) {
        note(await call().catch(note))
      }
      await tokens.close()
    }
  }
  const api = createAuthenticatedFetch({ getToken: async () => login }, { allowedOrigins: 'https://api.example.com' })
  note(api)
  note(await api('https://evil.example/').catch(note))
  note(await api('https://api.example.com/', { headers: { authorization: canary } }).catch(note))
  const texts = said.flatMap((value) => [inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value) ?? ''])
  for (const value of said) if (value instanceof Error) texts.push(String(value.stack), inspect(value.cause))
  return texts.join('\n')
}

it('[A9] says no token, key or account of a user in any error, event, object or JSON', async () => {
  const said = await everythingSaid()
  for (const type of ['tokens.refresh_failed', 'store.failed', 'logout.completed']) expect(said).toContain(type)
  expect(said).not.toContain(canary)
})
