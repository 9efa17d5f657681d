import { generateKeyPairSync } from 'node:crypto'
import { createResourceServer, type Requirement, type ResourceServerOptions } from 'portcullis'
import { publicClient } from 'portcullis/client'
import { createLogin, createMemorySessionStore, createProvider, type LoginOptions } from 'portcullis/login'
import { createSigningKey } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { pages, read } from './markdown.js'

const issuer = 'https://login.example.com'
const resource = 'https://api.example.com'
const { kid: _kid, ...jwk } = createSigningKey({ algorithm: 'ES256' }).publicJwk
const publicKeyPem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()

/** What the right-hand columns say to write, by the words they use. */
const settings: Readonly<Record<string, Partial<ResourceServerOptions>>> = {
  tokenTypes: { issuer: { issuer, tokenTypes: ['at+jwt', 'JWT'], optionalClaims: ['jti', 'client_id'] } },
  jwksUri: { issuer: { issuer, jwksUri: 'https://login.example.com/keys' } },
  audience: { issuer: { issuer, audience: 'api' } },
  algorithms: { issuer: { issuer, algorithms: ['RS256'] } },
  'keys: [publicKeyPem]': { issuer: { issuer, keys: [publicKeyPem, jwk] } },
  clockToleranceSeconds: { issuer: { issuer, clockToleranceSeconds: 5, maxTokenAgeSeconds: 600 } },
  timeoutMs: { issuer: { issuer, keyCache: { timeoutMs: 1000 } } },
  'issuer: [a, b]': { issuer: [issuer, 'https://other.example.com'] },
  tenants: { issuer: () => ({}), tenants: [issuer] },
  bearerMethods: { resource: { resource, bearerMethods: ['header', 'body', 'query'] } },
  "mtls: 'allowed'": { mtls: 'required' },
  "dpop: 'off'": { dpop: 'off' },
  maxFutureSeconds: { dpop: { mode: 'required', maxAgeSeconds: 300, maxFutureSeconds: 30 } },
  isRevoked: { isRevoked: () => false },
  "'pass-through'": { authorizationServerMetadata: 'pass-through' },
  scopes: {
    resource: { resource, scopes: ['a'], metadata: { name: 'API', documentation: 'https://docs.example.com' } },
  },
  fetch: { fetch: async () => new Response() },
}

const requirements: Readonly<Record<string, Requirement<Record<string, unknown>>>> = {
  "scope: 'a b'": { scope: 'a b' },
  "any: ['a', 'b']": { scope: { any: ['a', 'b'] } },
  "tenant: 'acme'": { claims: { tenant: 'acme' } },
  "roles: ['a', 'b']": { roles: ['a', 'b'] },
  "roles: { any: ['a', 'b'] }": { roles: { any: ['a', 'b'] } },
  'claims: fn': { claims: (claims) => claims['tenant'] === 'acme' },
  allow: { allow: async () => true },
}

const logins: Readonly<Record<string, Partial<LoginOptions>>> = {
  basePath: { basePath: '/login' },
  logoutAtProvider: { logoutAtProvider: false },
  '`postLogoutRedirect`': { postLogoutRedirect: '/bye' },
  'idleSeconds, absoluteSeconds, rolling': { session: { idleSeconds: 60, absoluteSeconds: 60, rolling: false } },
  '`sessions`, with `tokens`': { sessions: createMemorySessionStore(), tokens: false },
  "responseMode: 'form_post'": { responseMode: 'form_post' },
  '`claims` of the options': { claims: ['email'] },
}

describe('the pages of docs/migration', () => {
  const own = pages().filter((page) => page.startsWith('docs/migration/'))
  const page = own.map(read).join('')

  it.each(Object.entries(settings))('names %s, which a server takes', (words, options) => {
    expect(page).toContain(words)
    expect(createResourceServer({ resource, issuer, ...options }).resources).toEqual([resource])
  })

  it.each(Object.entries(logins))('names %s, which a login takes', (words, options) => {
    expect(page).toContain(words)
    const credential = publicClient({ clientId: 'app' })
    const provider = createProvider({ name: 'auth0', issuer, credential, audience: 'https://api.example.com' })
    const keys = [{ id: 'k', secret: new Uint8Array(32) }]
    const login = createLogin({ baseUrl: 'https://app.example.com', providers: [provider], keys, ...options })
    expect(login.guard()).toBeTypeOf('function')
  })

  it.each(Object.entries(requirements))('names %s, which a route takes', (words, requirement) => {
    expect(page).toContain(words)
    expect(createResourceServer({ resource, issuer }).guard(requirement)).toBeTypeOf('function')
  })
})
