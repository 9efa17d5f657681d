import { inspect } from 'node:util'
import {
  type AuthError,
  createGrants,
  createMemoryGrantStore,
  createResourceServer,
  type Grant,
  isAuthError,
  type RequestFacts,
} from 'portcullis'
import {
  clientSecretBasic,
  clientSecretPost,
  createOAuthClient,
  federatedAssertion,
  fromEnvironment,
  perIssuer,
  privateKeyJwt,
  restoreRegistration,
  TokenTypes,
} from 'portcullis/client'
import { createRedisGrantStore, createRedisLockStore } from 'portcullis/redis'
import {
  createDpopClient,
  createTestIssuer,
  type EndpointBehaviour,
  requestFacts,
  type TamperedSegment,
} from 'portcullis/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const api = 'https://api.example.com'
const calendar = 'https://calendar.test/'
const canary = 'c4n4ry'
const clientSecret = `${canary}-client-secret`
const sealSecret = new Uint8Array(Buffer.from(`${canary}-seal-secret-0123456789abcdef`.slice(0, 32)))

/** Every way a value ends up in a log. */
function views(value: unknown): string {
  const texts = [
    inspect(value),
    inspect(value, { depth: Number.POSITIVE_INFINITY }),
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
    String(value),
    JSON.stringify(value) ?? '',
  ]
  for (let error: unknown = value; error instanceof Error; error = error.cause) {
    texts.push(error.message, error.stack ?? '', JSON.stringify(error), JSON.stringify(Object.entries(error)))
    if (isAuthError(error)) texts.push(error.description, error.detail ?? '')
  }
  return texts.join('\n')
}

/** An authorization server, a guarded API and its grants, and everything secret that passes between them. */
function setUp() {
  const secrets = new Set<string>([clientSecret, Buffer.from(sealSecret).toString('latin1'), `${canary}-actor-token`])
  const seen: unknown[] = []
  const issuer = createTestIssuer({ audience: api, clients: { gateway: clientSecret } })
  const learn = (init: { headers: Record<string, string>; body?: string | undefined } | undefined) => {
    for (const name of ['authorization', 'dpop']) addSecret(init?.headers[name])
    for (const [name, value] of new URLSearchParams(init?.body)) if (name.endsWith('_token')) addSecret(value)
  }
  const addSecret = (text: string | undefined) => {
    for (const part of text?.split(/[ .]/) ?? []) if (part.length > 20) secrets.add(part)
  }
  const surroundings = {
    fetch: ((url, init) => {
      learn(init)
      return issuer.fetch(url, init)
    }) as typeof issuer.fetch,
    onEvent: (event: unknown) => void seen.push(event),
  }
  const server = createResourceServer({ resource: api, issuer: issuer.issuer, ...surroundings })
  const client = createOAuthClient({
    issuer: issuer.issuer,
    credential: clientSecretBasic({ clientId: 'gateway', clientSecret }),
    dpop: true,
    retry: false,
    breaker: false,
    ...surroundings,
  })
  const store = createMemoryGrantStore()
  const downstreamFetch = async (_url: unknown, init: RequestInit = {}) => {
    learn({ headers: Object.fromEntries(new Headers(init.headers)) })
    return new Response('', { status: 401, headers: { 'WWW-Authenticate': 'DPoP error="invalid_token"' } })
  }
  const grants = createGrants({ client, store, fetch: downstreamFetch, onEvent: surroundings.onEvent })
  /** Holds everything seen so far to hold no part of a secret. */
  const expectNoSecret = () => {
    expect(secrets.size).toBeGreaterThan(3)
    for (const secret of secrets) expect(secret.length).toBeGreaterThan(15)
    expect(seen.length).toBeGreaterThan(0)
    for (const value of seen) {
      const shown = views(value)
      for (const secret of secrets) expect(shown.includes(secret), `${secret} in ${shown.slice(0, 400)}`).toBe(false)
    }
  }
  return { issuer, server, client, store, grants, seen, addSecret, expectNoSecret }
}

describe('secrets', () => {
  const logged: unknown[] = []
  beforeEach(() => {
    logged.length = 0
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...texts) => void logged.push(...texts))
    }
  })
  afterEach(() => {
    vi.restoreAllMocks()
    expect(logged).toEqual([])
  })

  it('[D27] [C-30] [SEC-03] show in nothing that is handed out while all goes well', async () => {
    const { issuer, server, client, store, grants, seen, addSecret, expectNoSecret } = setUp()
    const token = issuer.mintToken({ sub: 'alice' })
    addSecret(token)
    const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    if (!result.ok) throw result.error
    const actor = () => ({ token: `${canary}-actor-token`, type: TokenTypes.jwt })
    const { access, failure } = await grants.prepare([{ resource: calendar, actor }])(result.auth)
    expect(failure).toBeUndefined()
    addSecret(access.token(calendar))
    const own = await client.clientCredentials({ resource: calendar })
    addSecret(own.accessToken)
    await access.fetch(calendar)('/')
    addSecret(access.token(calendar))
    const redis = { client: { call: async () => 'OK' } }
    const shared = createRedisGrantStore({ ...redis, keys: [{ id: 'k', secret: sealSecret }] })
    const auth = result.auth.withAccess(access)
    seen.push(result, auth, access, await access.acquire(calendar), own, server, client, client.dpop, grants, store)
    seen.push(shared, createRedisLockStore(redis), server.health(), await server.verify(token))
    seen.push({ ...auth }, { ...(await access.acquire(calendar)) }, { ...own }, structuredCloneOf(own))
    expectNoSecret()
  })

  it('[D27] [SEC-03] show in no credential, nor in what a client hands out beside tokens', async () => {
    const { issuer, client, seen, addSecret, expectNoSecret } = setUp()
    const text = (name: string) => {
      addSecret(`${canary}-${name}-of-this-client`)
      return `${canary}-${name}-of-this-client`
    }
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const key = { ...(await crypto.subtle.exportKey('jwk', pair.privateKey)), kid: 'k1', alg: 'ES256' }
    addSecret(key.d)
    const basic = clientSecretBasic({ clientId: 'app', clientSecret: text('basic') })
    const env = { OAUTH_CLIENT_ID: 'app', OAUTH_CLIENT_SECRET: text('environment') }
    const signed = privateKeyJwt({ clientId: 'app', keys: [{ key: key as { kty: string } }] })
    seen.push(
      basic,
      clientSecretPost({ clientId: 'app', clientSecret: text('post') }),
      fromEnvironment({ env }),
      signed,
    )
    seen.push(perIssuer({ 'https://a.test': basic, 'https://b.test': signed }), signed.publicJwks())
    seen.push(federatedAssertion({ source: () => text('assertion') }))

    const registration = { client_id: 'app', client_secret: text('registered'), client_secret_expires_at: 0 }
    const registered = { ...registration, registration_access_token: text('registration') }
    seen.push(restoreRegistration({ issuer: issuer.issuer, raw: registered }))
    const pkce = await client.createPkcePair()
    addSecret(pkce.verifier)
    seen.push(pkce, { ...pkce })

    const secret = text('nonce-secret')
    const credential = clientSecretBasic({ clientId: 'app', clientSecret: text('introspection') })
    const introspection = { endpoint: 'https://as.test/introspect', credential }
    const gate = createResourceServer({
      resource: api,
      issuer: { issuer: issuer.issuer, introspection },
      dpop: { nonce: { secrets: [secret], onSuccess: true } },
      fetch: issuer.fetch,
    })
    const refused = await gate.authenticate(requestFacts({ headers: { authorization: `Bearer ${text('opaque')}` } }))
    seen.push(gate, gate.guard(), gate.optionalGuard(), gate.health(), refused)
    seen.push(
      await client.dpop?.proof({ url: `${api}/`, method: 'GET', accessToken: text('proven') }).then(() => client),
    )
    expectNoSecret()
  })

  const tampering: readonly TamperedSegment[] = ['header', 'payload', 'signature']
  it('[D27] [C-30] [E-15] show in no refusal of the gate', async () => {
    const { issuer, server, seen, addSecret, expectNoSecret } = setUp()
    const dpop = createDpopClient()
    const bound = issuer.mintToken({ cnf: { jkt: dpop.jkt } })
    const proof = (more = {}) => dpop.proof({ url: `${api}/`, accessToken: bound, ...more })
    const opaque = `${canary}-opaque-token-of-someone`
    const bearers = [
      ...tampering.map((tamper) => issuer.mintToken({}, { tamper })),
      issuer.mintToken({}, { lifetimeSeconds: -999 }),
      issuer.mintToken({ aud: `https://${canary}.test` }),
      issuer.mintToken({ iss: `https://${canary}.test` }),
      issuer.mintToken({ scope: 7 }),
      issuer.mintToken({}, { header: { typ: canary } }),
      bound,
      opaque,
    ].map((token) => [['authorization', `Bearer ${token}`]])
    const proofs = [
      proof(),
      proof({ tamper: 'signature' }),
      proof({ claims: { htm: canary } }),
      proof({ claims: { jti: undefined } }),
      `${canary}-no-proof-at-all`,
    ].map((text) => [
      ['authorization', `DPoP ${bound}`],
      ['dpop', text],
    ])
    for (const fields of [...bearers, ...proofs]) {
      for (const [, value] of fields) addSecret(value)
      const headers = Object.fromEntries(fields)
      const facts: RequestFacts = requestFacts({ url: `${api}/`, headers })
      const results = [await server.authenticate(facts), await server.authenticate(facts, { scope: `${canary}:scope` })]
      seen.push(...results, ...results.map((result) => (result.ok ? result.auth : result.error)))
      const token = (headers['authorization'] ?? '').split(' ')[1] ?? ''
      seen.push(await server.verify(token).catch((error: unknown) => error))
    }
    expectNoSecret()
  })

  const failures: Record<string, EndpointBehaviour> = {
    'the server is down': { kind: 'down' },
    'the server is busy': { kind: 'status', status: 503 },
    'the answer is a page': { kind: 'html' },
    'the answer is too large': { kind: 'oversized', bytes: 400_000 },
    'the server redirects': { kind: 'redirect' },
    'the server refuses': { kind: 'answer', status: 400, body: { error: 'invalid_grant' } },
    'the token is unbound': {
      kind: 'answer',
      body: {
        access_token: `${canary}-unbound-access-token`,
        token_type: 'Bearer',
        issued_token_type: TokenTypes.accessToken,
      },
    },
    'the type is missing': {
      kind: 'answer',
      body: { access_token: `${canary}-untyped-access-token`, token_type: 'DPoP' },
    },
    'the token is unusable': {
      kind: 'answer',
      body: {
        access_token: `${canary}-token-with-a-line\nbreak`,
        token_type: 'DPoP',
        issued_token_type: TokenTypes.accessToken,
      },
    },
  }
  it.each(Object.entries(failures))(
    '[D27] [SEC-03] show in no failure of an exchange: %s',
    async (_name, behaviour) => {
      const { issuer, server, grants, seen, addSecret, expectNoSecret } = setUp()
      const token = issuer.mintToken()
      addSecret(token)
      for (const text of ['unbound-access-token', 'untyped-access-token', 'token-with-a-line'])
        addSecret(`${canary}-${text}`)
      const auth = await server.verify(token)
      issuer.override('token', behaviour)
      const actor = () => ({ token: `${canary}-actor-token`, type: TokenTypes.jwt })
      const declared: Grant[] = [{ resource: calendar, mode: 'lazy', actor }]
      const { access } = await grants.prepare(declared)(auth)
      const thrown = (await access.acquire(calendar).catch((error: unknown) => error)) as AuthError
      expect(isAuthError(thrown)).toBe(true)
      seen.push(thrown, access, [...access.errors], server.refuse(thrown, auth))
      seen.push(
        await access
          .fetch(calendar)('/')
          .catch((error: unknown) => error),
      )
      expectNoSecret()
    },
  )

  it('[D27] show in no mistake of configuration', () => {
    const { seen, expectNoSecret, addSecret } = setUp()
    addSecret(`${canary}-a-rather-long-secret`)
    const mistakes = [
      () => clientSecretBasic({ clientId: '', clientSecret: `${canary}-a-rather-long-secret` }),
      () => createRedisGrantStore({ client: { call: async () => 'OK' }, keys: [{ id: '.', secret: sealSecret }] }),
      () => createGrants({ client: { clientSecret } as never }),
      () => createOAuthClient({ issuer: 'x', credential: clientSecretBasic({ clientId: 'a', clientSecret }) }),
    ]
    for (const mistake of mistakes) {
      try {
        mistake()
        throw new RangeError('accepted')
      } catch (error) {
        expect(error).not.toBeInstanceOf(RangeError)
        seen.push(error)
      }
    }
    expectNoSecret()
  })
})

/** What a structured logger would copy. */
function structuredCloneOf(value: object): unknown {
  return JSON.parse(JSON.stringify(value))
}
