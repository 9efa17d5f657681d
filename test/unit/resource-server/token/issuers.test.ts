import { createResourceServer, type IssuerResolver, type ResourceServerOptions } from 'portcullis'
import { createFrozenClock, createSigningKey, createTestIssuer, mergeFetch, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import {
  createIssuerRegistry,
  knownIssuers,
  toKnownIssuers,
  tokenHeaders,
  toTenantTest,
} from '../../../../src/resource-server/token/issuers.js'
import { simulatedIssuer } from '../../../support/simulated-issuer.js'

const resource = 'https://api.example.com'
const clock = createFrozenClock()
const makeIssuer = (name: string) =>
  createTestIssuer({ issuer: `https://${name}.test`, clock: clock.now, audience: resource })

function setUp(resolve: IssuerResolver, options: Partial<ResourceServerOptions> = {}) {
  const one = makeIssuer('one')
  const two = makeIssuer('two')
  const fetched: string[] = []
  const asked: string[] = []
  const merged = mergeFetch(one, two)
  const server = createResourceServer({
    resource,
    issuer: (issuer) => {
      asked.push(issuer)
      return resolve(issuer)
    },
    tenants: [one.issuer, two.issuer],
    fetch: (url, init) => {
      fetched.push(url)
      return merged(url, init)
    },
    clock: clock.now,
    ...options,
  })
  const call = async (token: string) => {
    const result = await server.authenticate(requestFacts({ headers: { authorization: `Bearer ${token}` } }))
    return result.ok ? `${result.auth.issuer} ${result.auth.subject}` : `${result.answer.status} ${result.error.code}`
  }
  return { one, two, server, call, asked, fetched }
}

describe('an issuer function', () => {
  it('is asked once for each tenant that a token names', async () => {
    const { one, two, call, asked } = setUp(() => ({}))
    for (let times = 0; times < 3; times++) {
      expect(await call(one.mintToken())).toBe('https://one.test user-1')
      expect(await call(two.mintToken())).toBe('https://two.test user-1')
    }
    expect(asked).toEqual([one.issuer, two.issuer])
  })

  it('[JWT-05] is not asked, nor is the network, for an issuer that is no tenant', async () => {
    for (const tenants of [['https://one.test'], new Set(['https://one.test'])]) {
      const { one, two, call, asked, fetched } = setUp(() => ({}), { tenants })
      const near = [
        'https://one.test/',
        'https://ONE.test',
        'http://one.test',
        'https://one.test.evil.test',
        '',
        ' https://one.test',
      ]
      for (const iss of [two.issuer, ...near, 5, null, ['https://one.test'], { iss: 'https://one.test' }]) {
        expect(await call(one.mintToken({ iss })), String(iss)).toBe('401 ERR_TOKEN_ISSUER')
      }
      expect(asked).toEqual([])
      expect(fetched).toEqual([])
    }
  })

  it('is asked once for concurrent first tokens of a tenant', async () => {
    let answer: (() => void) | undefined
    const { one, call, asked } = setUp(() => new Promise((resolve) => (answer = () => resolve({}))))
    const calls = Array.from({ length: 20 }, () => call(one.mintToken()))
    await expect.poll(() => answer).toBeDefined()
    answer?.()
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['https://one.test user-1']))
    expect(asked).toHaveLength(1)
  })

  it('[C-17] that fails is 503, and is asked again by the next request', async () => {
    const failures: (() => never | Promise<never>)[] = [
      () => Promise.reject(new Error('database')),
      () => {
        throw new Error('database')
      },
    ]
    const { one, call, asked, server } = setUp(() => failures.pop()?.() ?? {})
    const facts = requestFacts({ headers: { authorization: `Bearer ${one.mintToken()}` } })
    const result = await server.authenticate(facts)
    const { error } = result.ok ? {} : result
    expect([error?.status, error?.code]).toEqual([503, 'ERR_ISSUER_UNAVAILABLE'])
    expect([error?.detail, error?.callback, error?.cause]).toEqual([
      'issuer function failed',
      'issuer',
      new Error('database'),
    ])
    expect(await call(one.mintToken())).toBe('503 ERR_ISSUER_UNAVAILABLE')
    expect(await call(one.mintToken())).toBe('https://one.test user-1')
    expect(asked).toHaveLength(3)
  })

  it('[E-14] that gives what cannot be right is 500, with an empty body', async () => {
    for (const given of [{ algorithms: ['HS256'] }, { jwksUrl: 'x' }, true, 'options', 5, [{}], { keys: [] }]) {
      const { one, server } = setUp(() => given as never)
      const facts = requestFacts({ headers: { authorization: `Bearer ${one.mintToken()}` } })
      const result = await server.authenticate(facts)
      expect(result, JSON.stringify(given)).toMatchObject({ ok: false, answer: { status: 500, body: '' } })
      expect(!result.ok && result.error.code).toBe('ERR_CONFIGURATION')
      if (typeof given === 'string' || Array.isArray(given)) {
        const message = 'The `issuer` function gives an object, or undefined.'
        expect(!result.ok && `${result.error.detail} ${result.error.message}`).toContain(message)
      }
    }
  })

  it('that knows no such tenant refuses the token', async () => {
    for (const given of [undefined, null, false, '', 0]) {
      const { one, call } = setUp(() => given as never)
      for (let times = 0; times < 2; times++) expect(await call(one.mintToken())).toBe('401 ERR_TOKEN_ISSUER')
    }
  })

  it('cannot change whose keys are used: the name in the token counts', async () => {
    const { one, two, call } = setUp(() => ({ issuer: 'https://two.test' }) as never)
    expect(await call(one.mintToken())).toBe('https://one.test user-1')
    expect(await call(two.mintToken({ iss: one.issuer }))).toBe('401 ERR_TOKEN_SIGNATURE')
  })

  it('[JWT-06] keeps tenants with the same kid, client and user apart', async () => {
    const keyOfOne = createSigningKey({ kid: 'same' })
    const keyOfTwo = createSigningKey({ kid: 'same' })
    const { one, two, call } = setUp((issuer) => ({
      keys: [issuer === 'https://one.test' ? keyOfOne.publicJwk : keyOfTwo.publicJwk],
    }))
    for (let times = 0; times < 2; times++) {
      expect(await call(one.mintToken({}, { key: keyOfOne }))).toBe('https://one.test user-1')
      expect(await call(two.mintToken({}, { key: keyOfTwo }))).toBe('https://two.test user-1')
      expect(await call(one.mintToken({}, { key: keyOfTwo }))).toBe('401 ERR_TOKEN_SIGNATURE')
      expect(await call(two.mintToken({}, { key: keyOfOne }))).toBe('401 ERR_TOKEN_SIGNATURE')
    }
  })

  it('gives each tenant rules of its own', async () => {
    const { one, two, call } = setUp((issuer) => (issuer === 'https://one.test' ? { audience: 'api-one' } : {}))
    expect(await call(one.mintToken())).toBe('401 ERR_TOKEN_AUDIENCE')
    expect(await call(one.mintToken({ aud: 'api-one' }))).toBe('https://one.test user-1')
    expect(await call(two.mintToken({ aud: 'api-one' }))).toBe('401 ERR_TOKEN_AUDIENCE')
  })

  it('no longer speaks for a tenant that left the live set, remembered tokens included', async () => {
    const tenants = new Set(['https://one.test'])
    const { one, call, server } = setUp(() => ({}), { tenants })
    const token = one.mintToken()
    expect(await call(token)).toBe('https://one.test user-1')
    tenants.delete(one.issuer)
    expect(await call(token)).toBe('401 ERR_TOKEN_ISSUER')
    expect(await call(one.mintToken())).toBe('401 ERR_TOKEN_ISSUER')
    expect(server.health().issuers).toEqual({})
    tenants.add(one.issuer)
    expect(await call(token)).toBe('https://one.test user-1')
  })

  it('shows its tenants in health, once a token named them, and lets their keys be invalidated', async () => {
    const { one, call, server } = setUp(() => ({}))
    expect(server.health()).toMatchObject({ ready: true, issuers: {} })
    expect(server.health().issuers).toEqual({})
    const token = one.mintToken()
    await call(token)
    expect(server.health()).toMatchObject({ ready: true, issuers: { [one.issuer]: { state: 'fresh' } } })
    one.rotateKeys({ overlap: false })
    server.invalidate(one.issuer)
    await server.warmUp()
    expect(await call(token)).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
    expect(await call(one.mintToken())).toBe('https://one.test user-1')
  })

  it('whose allow-list throws is our own fault: 500', async () => {
    const has = () => {
      throw new Error('allow-list')
    }
    const { one, call } = setUp(() => ({}), { tenants: { has } })
    expect(await call(one.mintToken())).toBe('500 ERR_INTERNAL')
  })
})

describe('several issuers', () => {
  const one = makeIssuer('one')
  const two = createTestIssuer({
    issuer: 'https://two.test',
    clock: clock.now,
    audience: resource,
    algorithms: ['RS256', 'ES256'],
  })
  const other = 'https://api.example.com/other'
  const server = createResourceServer({
    resource: [resource, { resource: other, issuers: [two.issuer] }],
    issuer: [
      { issuer: one.issuer, algorithms: ['ES256'], claimProfile: { scope: 'scp', clientId: 'azp' } },
      {
        issuer: two.issuer,
        algorithms: ['RS256'],
        audience: { [resource]: ['urn:two'], [other]: 'urn:two:other' },
        optionalClaims: ['jti'],
      },
    ],
    fetch: mergeFetch(one, two),
    clock: clock.now,
  })
  const call = async (token: string, requirement = {}) => {
    const facts = requestFacts({ headers: { authorization: `Bearer ${token}` } })
    const result = await server.authenticate(facts, { resource, ...requirement })
    return result.ok ? result.auth : result.error.code
  }

  it('[JWT-05] picks the verifier by exact iss, each with algorithms of its own', async () => {
    const azp = { client_id: undefined, azp: 'spa' }
    expect(await call(one.mintToken(azp))).toMatchObject({ issuer: one.issuer, clientId: 'spa' })
    expect(await call(two.mintToken({ aud: 'urn:two' }))).toMatchObject({ issuer: two.issuer, clientId: 'test-client' })
    expect(await call(two.mintToken({ aud: 'urn:two' }, { algorithm: 'ES256' }))).toBe('ERR_TOKEN_ALGORITHM')
    expect(await call(one.mintToken(azp, { algorithm: 'RS256' }))).toBe('ERR_TOKEN_ALGORITHM')
  })

  it('[AT-05] holds each to audiences of its own', async () => {
    expect(await call(one.mintToken({ aud: 'urn:two', azp: 'spa' }))).toBe('ERR_TOKEN_AUDIENCE')
    expect(await call(two.mintToken())).toBe('ERR_TOKEN_AUDIENCE')
  })

  it('[AT-09] reads each one by a profile of its own', async () => {
    const auth = await call(one.mintToken({ azp: 'spa', scp: ['read', 'write'], scope: 'admin' }), { scope: 'write' })
    expect(auth).toMatchObject({ scopes: ['read', 'write'] })
    expect(await call(one.mintToken({ azp: 'spa', scp: 'read', scope: 'admin' }), { scope: 'admin' })).toBe(
      'ERR_SCOPE_INSUFFICIENT',
    )
    const scopeFirst = await call(two.mintToken({ aud: 'urn:two', scope: 'read', scp: ['admin'], azp: 'x' }))
    expect(scopeFirst).toMatchObject({ scopes: ['read'], clientId: 'test-client' })
  })

  it('relaxes claims for the issuer that asked for it alone', async () => {
    expect(await call(two.mintToken({ aud: 'urn:two', jti: undefined }))).toMatchObject({ issuer: two.issuer })
    expect(await call(one.mintToken({ azp: 'spa', jti: undefined }))).toBe('ERR_TOKEN_CLAIM_MISSING')
  })

  it('lets an issuer speak for the resources that name it, remembered tokens included', async () => {
    const token = one.mintToken({ azp: 'spa', aud: [resource, other] })
    for (let times = 0; times < 2; times++) {
      expect(await call(token)).toMatchObject({ resource })
      expect(await call(token, { resource: other })).toBe('ERR_TOKEN_ISSUER')
    }
    const atOther = { resource: other }
    expect(await call(two.mintToken({ aud: 'urn:two:other' }), atOther)).toMatchObject(atOther)
    expect(await call(two.mintToken({ aud: 'urn:two' }), atOther)).toBe('ERR_TOKEN_AUDIENCE')
  })
})

describe('the options that say whose tokens are accepted', () => {
  const a = 'https://a.test'
  const b = 'https://b.test'
  const resolver = () => undefined

  it('name one issuer or several, or leave it to a function', () => {
    const named = (issuer: unknown) => toKnownIssuers({ issuer } as never, false).map((one) => one.issuer)
    expect(named(a)).toEqual([a])
    expect(named([a, { issuer: b }])).toEqual([a, b])
    expect(named(resolver)).toEqual([])
    const settings = toKnownIssuers({ issuer: [a, b] }, false)
    expect(knownIssuers({ issuer: [a, b] }, settings)).toEqual([a, b])
    expect(knownIssuers({ issuer: resolver, tenants: [a] }, [])).toEqual([a])
    expect(knownIssuers({ issuer: resolver, tenants: new Set([a]) }, [])).toBeUndefined()
  })

  it.each<[unknown, string]>([
    [{ issuer: undefined }, '`issuer` is missing: name the authorization server whose tokens you accept.'],
    [{ issuer: [] }, '`issuer` is missing: name the authorization server whose tokens you accept.'],
    [{ issuer: a, tenants: [a] }, '`tenants` goes with an `issuer` that is a function.'],
    [{ issuer: [a, b, a] }, '`issuer` lists https://a.test twice; list it once.'],
  ])('are refused for %j', (options, message) => {
    expect(() => toKnownIssuers(options as never, false)).toThrow(message)
  })

  it('let a function be asked for tenants of a list, byte for byte, whatever becomes of the list', () => {
    const tenants = [a]
    const isTenant = toTenantTest({ issuer: resolver, tenants }, false)
    tenants.push(b)
    expect([isTenant(a), isTenant(`${a}/`), isTenant(b), isTenant('')]).toEqual([true, false, false, false])
  })

  it('let a function be asked for tenants of a live set, as it is then', () => {
    const tenants = new Set([a])
    const isTenant = toTenantTest({ issuer: resolver, tenants }, false)
    expect([isTenant(a), isTenant(b)]).toEqual([true, false])
    tenants.delete(a)
    expect(isTenant(a)).toBe(false)
    const odd = toTenantTest({ issuer: resolver, tenants: { has: () => 1 as never } }, false)
    expect(odd(a)).toBe(false)
  })

  it('know no tenant by a live set that has lost its function', () => {
    const tenants: { has: ((issuer: string) => boolean) | undefined } = { has: () => true }
    const isTenant = toTenantTest({ issuer: resolver, tenants: tenants as never }, false)
    expect(isTenant(a)).toBe(true)
    tenants.has = undefined
    expect(isTenant(a)).toBe(false)
  })

  it('know no tenant where no function is asked', () => {
    expect(toTenantTest({ issuer: a }, false)(a)).toBe(false)
  })

  it('name `tenants` where a live set fails', () => {
    const has = () => {
      throw new Error('down')
    }
    const isTenant = toTenantTest({ issuer: resolver, tenants: { has } }, false)
    expect(() => isTenant(a)).toThrow(expect.objectContaining({ callback: 'tenants' }))
  })

  it.each([undefined, null, [], {}, a, { has: true }])('want tenants for a function, and not %j', (tenants) => {
    expect(() => toTenantTest({ issuer: resolver, tenants } as never, false)).toThrow(
      'An `issuer` function needs `tenants`: the complete list of issuers it may be asked for.',
    )
  })

  it('want issuers for tenants, and name the option', () => {
    expect(() => toTenantTest({ issuer: resolver, tenants: ['a.test'] }, false)).toThrow('`tenants` takes an absolute')
  })

  it('tell the fields that tokens come in, by issuer', () => {
    const settings = toKnownIssuers({ issuer: [a, { issuer: b, tokenHeader: 'X-Jwt' }] }, false)
    expect(tokenHeaders(settings)).toEqual(new Map([[b, 'x-jwt']]))
  })
})

describe('issuers to ask about tokens that are no JWTs', () => {
  const introspection = { credential: { authenticate: () => ({}) } }
  const issuer = ['https://a.test', 'https://b.test'].map((one) => ({ issuer: one, introspection }))

  it('[REAL-34] are one for each resource, and the option is named where they are several', () => {
    expect(() => createResourceServer({ resource, issuer })).toThrow(
      'Several issuers of https://api.example.com have `introspection`, so that it cannot be known whom to ask about an opaque token. Name one of them in `issuers` of the resource.',
    )
    const named = { resource, issuers: ['https://b.test'] }
    expect(() => createResourceServer({ resource: named, issuer })).not.toThrow()
  })
})

describe('the registry of listed issuers', () => {
  it('[JWT-05] trusts those, byte for byte, and no other', () => {
    const registry = createIssuerRegistry({
      surroundings: simulatedIssuer().surroundings,
      resources: [],
      issuers: toKnownIssuers({ issuer: ['https://a.test'] }, false),
      resolver: undefined,
      isTenant: () => true,
      schema: undefined,
      tokenCacheEntries: 1,
    })
    const names = ['https://a.test', 'https://a.test/', 'https://A.test', 'https://b.test', '']
    expect(names.map((name) => registry.trusts(name))).toEqual([true, false, false, false, false])
    expect(names.map((name) => registry.find(name) !== undefined)).toEqual([true, false, false, false, false])
    expect(registry.known().map(({ issuer }) => issuer)).toEqual(['https://a.test'])
  })
})
