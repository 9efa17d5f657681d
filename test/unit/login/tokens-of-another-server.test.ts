import { publicClient, tokenSetFromResponse } from 'portcullis/client'
import {
  createMemoryTokenStore,
  createProvider,
  createUserTokens,
  type ProviderOptions,
  type TokenProvider,
} from 'portcullis/login'
import { describe, expect, it, vi } from 'vitest'

const issuer = 'https://login.example.com'
const tokens = tokenSetFromResponse({ access_token: 'access', token_type: 'Bearer', refresh_token: 'refresh' })
const account = { issuer, subject: 'alice' }

function serverIdOf(options: Partial<ProviderOptions>): string {
  const credential = publicClient({ clientId: 'web' })
  return createProvider({ name: 'work', issuer, credential, ...options }).serverId
}

/** Two providers of one name, whose tokens are kept in one store under one key. */
function setUp({ store = createMemoryTokenStore(), theirs = 'https://evil.example' } = {}) {
  const provide = (serverId: string | undefined) => ({
    ...{ name: 'work', issuer, serverId },
    refresh: vi.fn(async () => tokensOf('renewed')),
    revoke: vi.fn(async () => 'revoked' as const),
  })
  const [own, foreign] = [provide(undefined), provide(theirs)]
  const open = (provider: TokenProvider) => createUserTokens({ provider, store, key: 'user' })
  return { store, own, foreign, mine: open(own), others: open(foreign) }
}

const tokensOf = (name: string) =>
  tokenSetFromResponse({ access_token: name, token_type: 'Bearer', refresh_token: `refresh-${name}` })

describe('tokens that another server gave', () => {
  it('are neither given nor renewed, whether this process remembers them or not', async () => {
    const { mine, others, foreign } = setUp()
    await mine.set(tokens, { account })
    expect(await others.restore()).toBeUndefined()
    expect(await others.isAuthenticated()).toBe(false)
    await expect(others.getToken()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
    await expect(others.refresh()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
    expect(foreign.refresh).not.toHaveBeenCalled()
    expect((await mine.getToken()).accessToken).toBe('access')
  })

  it('are left where they are by a logout, and revoked at no other server', async () => {
    const { mine, others, foreign, store } = setUp()
    await mine.set(tokens, { account })
    expect(await others.logout()).toEqual({ revocation: 'nothing' })
    expect(foreign.revoke).not.toHaveBeenCalled()
    expect(await store.has('user')).toBe(true)
    expect(await mine.logout()).toEqual({ revocation: 'revoked' })
    expect(await store.has('user')).toBe(false)
  })

  it('take the place of those that are renewed meanwhile, and are not handed out for them', async () => {
    const { mine, others, own } = setUp()
    await mine.set(tokens, { account })
    own.refresh.mockImplementation(async () => {
      await others.set(tokensOf('foreign'))
      return tokensOf('renewed')
    })
    await expect(mine.refresh()).rejects.toMatchObject({ code: 'ERR_REAUTHENTICATION_REQUIRED' })
    expect(own.revoke).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ accessToken: 'renewed' }),
      expect.anything(),
    )
    expect((await others.getToken()).accessToken).toBe('foreign')
  })

  it('are told by the issuer of their account where the entry names no server', async () => {
    const { store, mine, others } = setUp()
    await mine.set(tokens, { account })
    const entry = (await store.get('user')) as NonNullable<Awaited<ReturnType<typeof store.get>>>
    const { serverId, ...members } = JSON.parse(entry.tokens)
    expect(serverId).toBe(issuer)
    const opened = setUp({ store: createMemoryTokenStore() })
    await opened.store.set('user', { ...entry, tokens: JSON.stringify(members) })
    expect(await opened.others.restore()).toBeUndefined()
    expect((await opened.mine.restore())?.accessToken).toBe('access')
    expect(await others.restore()).toBeUndefined()
  })
})

describe('the server of a provider', () => {
  it('is its issuer, and the origins where endpoints are given elsewhere', () => {
    expect(serverIdOf({})).toBe(issuer)
    expect(serverIdOf({ endpoints: { token: `${issuer}/token`, userinfo: '/me' } })).toBe(issuer)
    const elsewhere = { token: 'https://evil.example/token', revocation: 'https://also.example/revoke' }
    expect(serverIdOf({ endpoints: elsewhere })).toBe(`${issuer} https://also.example https://evil.example`)
  })
})
