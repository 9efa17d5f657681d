import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigurationError, InternalError } from '../../../src/errors/index.js'
import { monotonicClock } from '../../../src/kit/clock.js'
import { isPlatformFetch } from '../../../src/kit/fetch/platform-fetch.js'
import { createResourceServer } from '../../../src/resource-server/create-resource-server.js'
import { toResourceServerSettings } from '../../../src/resource-server/resource-server-options.js'

const resource = 'https://api.example.com'
const issuer = 'https://issuer.test'
const resolve = (options: object) => toResourceServerSettings({ resource, issuer, ...options } as never)
const keys = [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }]

describe('resolveOptions', () => {
  it('fills every default in', () => {
    const { surroundings, resources, issuers, isTenant, dpop, mtls, ...rest } = resolve({})
    expect(rest).toEqual({
      resolver: undefined,
      schema: undefined,
      trustedProxies: [],
      implies: new Map(),
      revocationStore: undefined,
      revocationTtlSeconds: 86_400,
      tokenCacheEntries: 10_000,
      cors: true,
      passThroughMetadata: false,
      explainRefusals: false,
      monotonicClock,
    })
    expect(isTenant(issuer)).toBe(false)
    expect(surroundings).toMatchObject({ insecureHosts: false, onEvent: expect.any(Function) })
    expect(surroundings.onEvent.isHeard()).toBe(false)
    expect(resources).toEqual([
      {
        resource,
        audiences: [resource],
        issuers: [issuer],
        onlyIssuers: undefined,
        scopes: [],
        bearerMethods: ['header'],
        dpop: 'allowed',
        dpopAlgorithms: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
        mtls: 'allowed',
        metadata: { signingAlgorithms: [], authorizationDetailsTypes: [] },
      },
    ])
    expect(dpop).toMatchObject({ mode: 'allowed', maxAgeSeconds: 60, maxFutureSeconds: 10, targetOrigin: 'resource' })
    expect(mtls).toEqual({ mode: 'allowed', certificateFrom: 'connection' })
    expect(issuers[0]).toMatchObject({
      algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
      tokenTypes: ['at+jwt'],
      clockToleranceSeconds: 60,
      maxTokenAgeSeconds: undefined,
      optionalClaims: [],
      unknownConfirmation: 'refuse',
    })
  })

  it('[C-31] [C-32] leaves RS384, RS512, PS384 and PS512 to be asked for', () => {
    expect(resolve({}).issuers[0]?.algorithms).not.toContain('RS512')
    expect(resolve({ issuer: { issuer, algorithms: ['RS512'] } }).issuers[0]?.algorithms).toEqual(['RS512'])
  })

  it('[C-28] takes EdDSA and Ed25519 for one', () => {
    for (const algorithm of ['EdDSA', 'Ed25519']) {
      const { algorithms } = resolve({ issuer: { issuer, algorithms: [algorithm] } }).issuers[0] ?? {}
      expect([...(algorithms ?? [])].sort()).toEqual(['Ed25519', 'EdDSA'])
    }
  })

  it('uses the platform fetch so that the address guard can tell', () => {
    expect(isPlatformFetch(resolve({}).surroundings.fetch)).toBe(true)
    const fetch = async () => new Response()
    expect(resolve({ fetch }).surroundings.fetch).toBe(fetch)
  })

  it('reads the objects it is given once, and writes to none', () => {
    const audience = ['api']
    const tokenTypes = ['at+jwt']
    const metadata = { name: 'API', signingAlgorithms: ['ES256'] }
    const claimProfile = { scope: ['scp'] }
    const optionalClaims = ['jti']
    const given = Object.freeze({
      resource: Object.freeze({ resource, audience, metadata }),
      issuer: Object.freeze([Object.freeze({ issuer, audience, tokenTypes, claimProfile, optionalClaims })]),
    })
    const resolved = resolve(given)
    const before = JSON.stringify([resolved.resources, resolved.issuers])
    audience.push('evil')
    tokenTypes.push('JWT')
    metadata.name = 'evil'
    metadata.signingAlgorithms.push('none')
    claimProfile.scope.push('evil')
    optionalClaims.push('exp')
    expect(JSON.stringify([resolved.resources, resolved.issuers])).toBe(before)
    expect(Object.isFrozen(resolved)).toBe(true)
  })

  it('lists tenants as authorization servers only where they are known beforehand', () => {
    const resolver = async () => ({})
    expect(resolve({ issuer: resolver, tenants: [issuer] }).resources[0]?.issuers).toEqual([issuer])
    expect(resolve({ issuer: resolver, tenants: new Set([issuer]) }).resources[0]?.issuers).toEqual([])
  })

  it('asks a live set of tenants each time, and copies a list', () => {
    const live = new Set([issuer])
    const list = [issuer]
    const fromSet = resolve({ issuer: async () => ({}), tenants: live }).isTenant
    const fromList = resolve({ issuer: async () => ({}), tenants: list }).isTenant
    expect([fromSet(issuer), fromList(issuer)]).toEqual([true, true])
    live.delete(issuer)
    list.pop()
    expect([fromSet(issuer), fromList(issuer)]).toEqual([false, true])
    const odd = resolve({ issuer: async () => ({}), tenants: { has: async () => true } }).isTenant
    expect(() => odd(issuer)).toThrow(InternalError)
  })

  it('lets a resource name its issuers, and under a live set of tenants any', () => {
    const two = { issuer: [issuer, 'https://two.test'], resource: { resource, issuers: [issuer] } }
    expect([...(resolve(two).resources[0]?.onlyIssuers ?? [])]).toEqual([issuer])
    const one = { resource: { resource, issuers: issuer } }
    expect([...(resolve(one).resources[0]?.onlyIssuers ?? [])]).toEqual([issuer])
    const live = { issuer: async () => ({}), tenants: new Set(), resource: { resource, issuers: [issuer] } }
    expect(resolve(live).resources[0]).toMatchObject({ issuers: [issuer], onlyIssuers: new Set([issuer]) })
  })

  it('takes a mode alone for DPoP and mTLS, and a resource may have its own', () => {
    const resolved = resolve({
      dpop: 'required',
      mtls: 'off',
      resource: [resource, { resource: `${resource}/b`, dpop: 'off' }],
    })
    expect(resolved.resources.map(({ dpop, mtls }) => [dpop, mtls])).toEqual([
      ['required', 'off'],
      ['off', 'off'],
    ])
  })
})

describe('createResourceServer', () => {
  const cases: readonly (readonly [string, object, RegExp])[] = [
    ['no resource', { resource: undefined }, /`resource` is missing: give the https URL/],
    ['no resource in a list', { resource: [] }, /`resource` is missing/],
    ['a resource that is null', { resource: null }, /resource must be an object/],
    ['an empty resource', { resource: '' }, /`resource` takes an absolute https URL/],
    ['a resource off https', { resource: 'http://api.example.com' }, /`resource` takes an https URL/],
    ['a resource with a fragment', { resource: `${resource}#x` }, /neither user information nor a fragment/],
    ['a resource twice', { resource: [resource, resource] }, /`resource` lists https:\/\/api\.example\.com twice/],
    ['a misspelt member of a resource', { resource: { resource, audiences: 'a' } }, /Did you mean `audience`\?/],
    ['an empty audience', { resource: { resource, audience: '' } }, /`audience` takes a non-empty string/],
    ['an audience list without items', { resource: { resource, audience: [] } }, /`audience` takes/],
    ['a scope list in one string', { resource: { resource, scopes: ['read write'] } }, /`scopes` takes scopes/],
    [
      'an unknown bearer method',
      { resource: { resource, bearerMethods: ['header', 'cookie'] } },
      /`bearerMethods` takes/,
    ],
    ['bearer methods without the header', { resource: { resource, bearerMethods: ['body'] } }, /`bearerMethods` takes/],
    ['an issuer that is not listed', { resource: { resource, issuers: ['https://x.test'] } }, /does not list/],
    ['a binding mode of another name', { resource: { resource, dpop: 'on' } }, /`dpop` takes one of 'off', 'allowed'/],
    ['metadata of another name', { resource: { resource, metadata: { title: 'x' } } }, /has no option `title`/],
    ['metadata that is text', { resource: { resource, metadata: 'x' } }, /`metadata` must be an object/],
    ['a name that is no text', { resource: { resource, metadata: { name: 5 } } }, /`metadata\.name` takes/],
    [
      'localized names that are text',
      { resource: { resource, metadata: { localizedNames: 'x' } } },
      /`metadata\.localizedNames`/,
    ],
    [
      'a localized name that is no text',
      { resource: { resource, metadata: { localizedNames: { en: 1 } } } },
      /localizedNames/,
    ],
    [
      'a documentation URL off https',
      { resource: { resource, metadata: { documentation: 'http://a.test' } } },
      /documentation/,
    ],
    ['a metadata path without slash', { resource: { resource, metadata: { metadataAt: 'x' } } }, /starts with a slash/],
    ['a metadata path that is no text', { resource: { resource, metadata: { metadataAt: 5 } } }, /metadataAt/],
    [
      'signing algorithms that are a number',
      { resource: { resource, metadata: { signingAlgorithms: 5 } } },
      /signingAlgorithms` takes/,
    ],
    [
      'details types that are null',
      { resource: { resource, metadata: { authorizationDetailsTypes: null } } },
      /authorizationDetailsTypes` takes/,
    ],
    [
      'none as a signing algorithm',
      { resource: { resource, metadata: { signingAlgorithms: ['none'] } } },
      /must not hold none/,
    ],
    [
      'a signer that is no function',
      { resource: { resource, metadata: { sign: 'x' } } },
      /`metadata\.sign` takes a function/,
    ],
    ['no issuer', { issuer: undefined }, /`issuer` is missing: name the authorization server/],
    ['no issuer in a list', { issuer: [] }, /`issuer` is missing/],
    ['an issuer that is null', { issuer: null }, /An issuer must be an object/],
    ['an issuer off https', { issuer: 'http://login.example.com' }, /over http anybody on the way could read tokens/],
    ['an http issuer on loopback', { issuer: 'http://localhost:3000' }, /allowInsecureLoopback: true/],
    ['an issuer with a query', { issuer: `${issuer}?a=b` }, /must have no query/],
    ['an issuer twice', { issuer: [issuer, { issuer }] }, /lists https:\/\/issuer\.test twice/],
    ['a misspelt member of an issuer', { issuer: { issuer, jwksUrl: 'x' } }, /Did you mean `jwksUri`\?/],
    ['a key set off https', { issuer: { issuer, jwksUri: 'http://issuer.test/jwks' } }, /`jwksUri` takes an https URL/],
    ['a symmetric algorithm', { issuer: { issuer, algorithms: ['RS256', 'HS256'] } }, /holds HS256\. Only asymmetric/],
    ['the algorithm none', { issuer: { issuer, algorithms: ['none'] } }, /holds none/],
    ['an algorithm in another case', { issuer: { issuer, algorithms: ['rs256'] } }, /holds rs256/],
    ['no algorithm', { issuer: { issuer, algorithms: [] } }, /`algorithms` takes/],
    ['a symmetric key', { issuer: { issuer, keys: [...keys, { kty: 'oct', k: 'AAAA' }] } }, /holds a symmetric key/],
    ['a private key', { issuer: { issuer, keys: [{ ...keys[0], d: 'AAAA' }] } }, /public RSA, EC or Ed25519/],
    ['keys and a key set', { issuer: { issuer, keys, jwksUri: `${issuer}/jwks` } }, /either `keys` or `jwksUri`/],
    ['no keys', { issuer: { issuer, keys: [] } }, /non-empty array of public keys/],
    ['a key set where keys belong', { issuer: { issuer, keys: { keys } } }, /non-empty array of public keys/],
    ['an empty token type', { issuer: { issuer, tokenTypes: [''] } }, /`tokenTypes` takes/],
    ['no token type', { issuer: { issuer, tokenTypes: [] } }, /`tokenTypes` takes/],
    ['a token type that is no list', { issuer: { issuer, tokenTypes: 'JWT' } }, /`tokenTypes` takes/],
    ['a foreign token type', { issuer: { issuer, tokenTypes: ['application/dpop+jwt'] } }, /another kind of JWT/],
    [
      'a relaxed exp',
      { issuer: { issuer, optionalClaims: ['exp'] } },
      /without iss, aud, sub or exp is never accepted/,
    ],
    ['relaxed claims that are text', { issuer: { issuer, optionalClaims: 'jti' } }, /`optionalClaims` takes/],
    ['too much leeway', { issuer: { issuer, clockToleranceSeconds: 301 } }, /takes a whole number from 0 to 300/],
    [
      'a token age of 0',
      { issuer: { issuer, maxTokenAgeSeconds: 0 } },
      /`maxTokenAgeSeconds` takes a whole number from 1/,
    ],
    [
      'a token age that is no number',
      { issuer: { issuer, maxTokenAgeSeconds: Number.NaN } },
      /takes a whole number from 1/,
    ],
    ['a misspelt profile', { issuer: { issuer, claimProfile: { scopes: 'scp' } } }, /Did you mean `scope`\?/],
    ['a profile that is text', { issuer: { issuer, claimProfile: 'auth0' } }, /`claimProfile` must be an object/],
    ['an empty profile name', { issuer: { issuer, claimProfile: { scope: '' } } }, /`claimProfile\.scope` takes/],
    ...[
      ['realm_access..roles'],
      ['.roles'],
      ['roles.'],
      ['.'],
      ['$.realm_access.roles'],
      ['/realm_access/roles'],
      ['roles[0]'],
      ["resource_access['app'].roles"],
      [' roles'],
      ['roles '],
      [[]],
      [['a', '']],
      [['a', 1]],
      [5],
      [],
    ].map((roles): [string, object, RegExp] => [
      `[REAL-34] the claim path ${JSON.stringify(roles)}`,
      { issuer: { issuer, claimProfile: { roles } } },
      /`claimProfile\.roles` takes names of claims/,
    ]),
    ...[[], {}, 'access', null, { typ: [] }, { typ: null }, { typ: '' }, { typ: {} }, { 'a..b': 'x' }, [{}]].map(
      (accessTokenEvidence): [string, object, RegExp] => [
        `[REAL-02] the evidence ${JSON.stringify(accessTokenEvidence)}`,
        { issuer: { issuer, accessTokenEvidence } },
        /`accessTokenEvidence` takes/,
      ],
    ),
    ...[{ present: 1 }, { startsWith: '' }, { like: 'x' }, { present: true, startsWith: 'x' }, { sameAs: ['a'] }].map(
      (condition): [string, object, RegExp] => [
        `[REAL-31] the condition ${JSON.stringify(condition)}`,
        { issuer: { issuer, claimProfile: { clientToken: { sub: condition } } } },
        /`claimProfile\.clientToken` takes conditions/,
      ],
    ),
    ['a misspelt cache setting', { issuer: { issuer, keyCache: { timeout: 5 } } }, /Did you mean `timeoutMs`\?/],
    [
      'a cache setting out of bounds',
      { issuer: { issuer, keyCache: { timeoutMs: 0 } } },
      /`keyCache\.timeoutMs` takes/,
    ],
    ['cache settings that are null', { issuer: { issuer, keyCache: null } }, /`keyCache` must be an object/],
    [
      'unknown confirmation of another name',
      { issuer: { issuer, dangerouslyUnknownConfirmation: 'yes' } },
      /takes one of/,
    ],
    ['an issuer function without tenants', { issuer: () => ({}) }, /needs `tenants`/],
    ['an empty list of tenants', { issuer: () => ({}), tenants: [] }, /needs `tenants`/],
    ['tenants that are a string', { issuer: () => ({}), tenants: issuer }, /needs `tenants`/],
    ['tenants that are null', { issuer: () => ({}), tenants: null }, /needs `tenants`/],
    ['a tenant off https', { issuer: () => ({}), tenants: ['http://issuer.test'] }, /`tenants` takes an https URL/],
    [
      'an http tenant on loopback',
      { issuer: () => ({}), tenants: ['http://localhost'] },
      /allowInsecureLoopback: true/,
    ],
    ['tenants of a fixed issuer', { tenants: [issuer] }, /goes with an `issuer` that is a function/],
    ['claims that are no schema', { claims: { sub: 'string' } }, /takes a Standard Schema/],
    ['claims that are null', { claims: null }, /takes a Standard Schema/],
    ['a proxy list that is a number', { trustedProxies: 1 }, /`trustedProxies` takes/],
    ['a proxy that is no address', { trustedProxies: ['proxy.internal'] }, /IP addresses and CIDR ranges/],
    ['proxy fields without a proxy', { dpop: { targetOrigin: 'forwarded' } }, /needs `trustedProxies`/],
    ['implied scopes that are a list', { implies: ['read'] }, /`implies` takes an object/],
    ['implied scopes that are null', { implies: null }, /`implies` takes an object/],
    ['an implied scope with a space', { implies: { admin: ['read write'] } }, /`implies` takes an object/],
    ['an implying scope with a space', { implies: { 'admin root': 'read' } }, /`implies` takes an object/],
    ['an implied scope that is undefined', { implies: { admin: [undefined] } }, /`implies\.admin` takes/],
    ['a check of revocation that is no function', { isRevoked: true }, /`isRevoked` takes a function/],
    ['a revocation store without its methods', { revocationStore: {} }, /`revocationStore` takes/],
    ['a revocation store that is null', { revocationStore: null }, /`revocationStore` takes/],
    ['a cache size that is negative', { tokenCacheEntries: -1 }, /`tokenCacheEntries` takes a whole number from 0/],
    ['a cors that is text', { cors: 'no' }, /`cors` takes true or false/],
    [
      'metadata pass-through by another name',
      { authorizationServerMetadata: true },
      /takes one of 'off', 'pass-through'/,
    ],
    ['a loopback switch that is text', { allowInsecureLoopback: 'false' }, /takes true or false/],
    ['a fetch that is no function', { fetch: {} }, /`fetch` takes a function/],
    ['a clock that is a number', { clock: 5 }, /`clock` takes a function/],
    ['a listener that is null', { onEvent: null }, /`onEvent` takes a function/],
    ['a DPoP that is true', { dpop: true }, /`dpop` must be an object/],
    ['a DPoP that is false', { dpop: false }, /`dpop` must be an object/],
    ['a DPoP that is null', { dpop: null }, /`dpop` must be an object/],
    ['an mTLS that is false', { mtls: false }, /`mtls` must be an object/],
    ...[
      'api',
      '/',
      '/api/',
      '',
      '//api',
      '/a//b',
      '/..',
      '/a/../b',
      '/a/.',
      '/a?b',
      '/a#b',
      '/%61',
      '/a b',
      '/ä',
      '/a\n',
      7,
      null,
    ].map(
      (pathPrefix) =>
        [
          `the path prefix ${JSON.stringify(pathPrefix)} [REAL-43]`,
          { dpop: { pathPrefix } },
          /`dpop\.pathPrefix` takes/,
        ] as const,
    ),
    ['a misspelt mode', { dpop: 'require' }, /`dpop\.mode` takes one of/],
    ['a misspelt DPoP option', { dpop: { maxAge: 5 } }, /Did you mean `maxAgeSeconds`\?/],
    ['a symmetric proof algorithm', { dpop: { algorithms: ['HS256'] } }, /holds HS256/],
    ['a replay store without its method', { dpop: { replayStore: {} } }, /takes a ReplayStore/],
    ['a replay store that is null', { dpop: { replayStore: null } }, /takes a ReplayStore/],
    ['nonces without secrets', { dpop: { nonce: { secrets: [] } } }, /at least 32 bytes/],
    ['nonces that are true', { dpop: { nonce: true } }, /`dpop\.nonce` must be an object/],
    ['a misspelt option', { isuer: issuer }, /Did you mean `issuer`\?/],
    ['a misspelt option beside a good one', { audience: 'x' }, /has no option `audience`/],
  ]

  it.each([
    ['http', 'http://api.example.com', false],
    ['http off loopback, whatever the switch', 'http://api.example.com', true],
    ['http on loopback without the switch', 'http://127.0.0.1:3000', false],
    ['a fragment', `${resource}#x`, false],
    ['user information', 'https://user@api.example.com', false],
  ])('[PRM-01] refuses a resource with %s', (_what, given, allowInsecureLoopback) => {
    expect(() => resolve({ resource: given, allowInsecureLoopback })).toThrow(ConfigurationError)
    expect(() => resolve({ resource: 'http://127.0.0.1:3000', allowInsecureLoopback: true })).not.toThrow()
  })

  it.each(cases)('refuses %s with a sentence that says what to write', (_what, options, message) => {
    const create = () => createResourceServer({ resource, issuer, ...options } as never)
    expect(create).toThrow(ConfigurationError)
    expect(create).toThrow(message)
  })

  it('[JOSE-11] refuses a secret shorter than the hash of its HMAC', () => {
    const withSecret = (secret: unknown) => () =>
      createResourceServer({ resource, issuer, dpop: { nonce: { secrets: [secret] } } } as never)
    for (const secret of ['a'.repeat(31), new Uint8Array(31), '', undefined, 32]) {
      expect(withSecret(secret)).toThrow(/at least 32 bytes/)
    }
    expect(withSecret(new Uint8Array(32))).not.toThrow()
  })

  it('refuses to be made of nothing', () => {
    for (const options of [undefined, null, 'https://api.example.com', [], 5]) {
      expect(() => createResourceServer(options as never)).toThrow(
        /takes an object with at least `resource` and `issuer`/,
      )
    }
  })

  it('accepts everything together', () => {
    const server = createResourceServer({
      resource: [
        {
          resource,
          audience: ['a', 'b'],
          scopes: ['read'],
          bearerMethods: ['header', 'body', 'query'],
          issuers: [issuer],
        },
        {
          resource: `${resource}/mcp`,
          mtls: 'off',
          metadata: { name: 'MCP', localizedNames: { de: 'MCP' }, metadataAt: '/m' },
        },
      ],
      issuer: [
        {
          issuer,
          keys,
          claimProfile: { clientId: ['azp', 'cid'], tenant: 'tid' },
          tokenTypes: ['at+jwt', 'JWT', null],
        },
        { issuer: 'http://localhost:3000/realm', maxTokenAgeSeconds: 60, keyCache: { staleIfErrorSeconds: 0 } },
      ],
      claims: z.object({ sub: z.string() }),
      dpop: { mode: 'required', algorithms: ['ES256'], nonce: { secrets: ['s'.repeat(32)], maxAgeSeconds: 60 } },
      mtls: { mode: 'allowed', certificateFrom: 'rfc9440' },
      trustedProxies: ['10.0.0.0/8'],
      implies: { admin: 'read', 'read:all': ['read'] },
      isRevoked: () => false,
      tokenCacheEntries: 0,
      cors: false,
      allowInsecureLoopback: true,
      authorizationServerMetadata: 'off',
    })
    expect(server.resources).toEqual([resource, `${resource}/mcp`])
  })
})
