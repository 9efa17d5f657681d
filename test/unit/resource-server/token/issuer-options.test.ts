import { createResourceServer, type IssuerOptions, type JsonObject, type ResourceServerOptions } from 'portcullis'
import { createSigningKey, createTestIssuer, requestFacts } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { toIssuerSettings } from '../../../../src/resource-server/token/issuer-options.js'
import { createAttackedServer, resource } from '../../../support/attacked-server.js'

const iss = 'https://issuer.test'

function world(options: Omit<IssuerOptions, 'issuer'>, server: Partial<ResourceServerOptions> = {}) {
  return createAttackedServer({ issuer: { issuer: iss, ...options }, ...server })
}

describe('conditions on the header', () => {
  const headerConditions = [{ cat: ['session', 'neutral'] }, { cat: { present: false } }]

  it('[REAL-02] refuse a token of another kind that the same key signed', async () => {
    const { issuer, call } = world({ headerConditions })
    for (const cat of ['session', 'neutral', undefined])
      expect(await call(issuer.mintToken({}, { header: { cat } }))).toBe('ok')
    for (const cat of ['machine', '', 7, ['x']]) {
      expect(await call(issuer.mintToken({}, { header: { cat } })), String(cat)).toBe('401 ERR_TOKEN_TYPE')
    }
  })

  it('[REAL-02] look at the header alone, and at all of it for each token', async () => {
    const { issuer, call } = world({ headerConditions: { cat: 'session' } })
    expect(await call(issuer.mintToken({}, { header: { cat: 'session' } }))).toBe('ok')
    expect(await call(issuer.mintToken({ cat: 'session' }))).toBe('401 ERR_TOKEN_TYPE')
    expect(await call(issuer.mintToken({}, { header: { cat: 'session', x: 1 } }))).toBe('ok')
  })

  it('cost no fetch of keys where they fail', async () => {
    const { issuer, call, fetched } = world({ headerConditions: { cat: 'session' } })
    await call(issuer.mintToken())
    expect(fetched).toEqual([])
  })

  it.each([[{}], [[]], [{ cat: { greaterThan: 1 } }], ['cat']])('[REAL-34] stop the start for %j', (given) => {
    expect(() => world({ headerConditions: given as never })).toThrow(/`headerConditions` takes conditions/)
  })
})

describe('conditions on keys', () => {
  const template = 'https://login.test/{tenantid}'
  const keyConditions = [{ issuer: [template, iss] }, { issuer: { present: false } }]

  it.each<[JsonObject, string]>([
    [{ issuer: template }, 'ok'],
    [{ issuer: iss }, 'ok'],
    [{}, 'ok'],
    [{ issuer: 'https://login.test/another' }, '401 ERR_TOKEN_KEY_UNKNOWN'],
    [{ issuer: 5 }, '401 ERR_TOKEN_KEY_UNKNOWN'],
  ])('[REAL-02] a published key with %j signs for this issuer: %s', async (members, outcome) => {
    const { issuer, call } = world({ keyConditions })
    const key = createSigningKey({ kid: 'shared' })
    issuer.publishKey({ ...key.publicJwk, ...members })
    expect(await call(issuer.mintToken({}, { key }))).toBe(outcome)
  })

  it('[REAL-02] tell of keys that were passed over', async () => {
    const events: unknown[] = []
    const { issuer, server } = world({ keyConditions }, { onEvent: (event) => events.push(event) })
    issuer.publishKey({ ...createSigningKey().publicJwk, issuer: 'https://login.test/another' })
    await server.warmUp()
    expect(events).toContainEqual(expect.objectContaining({ type: 'keys.entry_skipped', reason: 'key_conditions' }))
  })

  it('[REAL-02] stop the start where a static key does not fit', () => {
    const { publicJwk } = createSigningKey()
    const keys = [{ ...publicJwk, issuer: 'https://login.test/another' }]
    expect(() => world({ keys, keyConditions })).toThrow(/not as keyConditions demands/)
    expect(() => world({ keys: [publicJwk], keyConditions })).not.toThrow()
  })

  it('let keys of another use sign only where it is named', async () => {
    const svid = createSigningKey({ kid: 'svid' })
    const x509 = createSigningKey({ kid: 'x509' })
    const outcomes = async (options: Omit<IssuerOptions, 'issuer'>) => {
      const { issuer, call } = world(options)
      issuer.publishKey({ ...svid.publicJwk, use: 'jwt-svid' })
      issuer.publishKey({ ...x509.publicJwk, use: 'x509-svid' })
      return Promise.all([svid, x509].map(async (key) => call(issuer.mintToken({}, { key }))))
    }
    expect(await outcomes({ keyUses: ['sig', 'jwt-svid'] })).toEqual(['ok', '401 ERR_TOKEN_KEY_UNKNOWN'])
    expect(await outcomes({})).toEqual(['401 ERR_TOKEN_KEY_UNKNOWN', '401 ERR_TOKEN_KEY_UNKNOWN'])
  })

  it('say which use was wanted', () => {
    const keys = [{ ...createSigningKey().publicJwk, use: 'enc' }]
    expect(() => world({ keys })).toThrow(/use is not sig\./)
    expect(() => world({ keys, keyUses: ['sig', 'jwt-svid'] })).toThrow(/use is not sig or jwt-svid\./)
    expect(() => world({ keyUses: [] })).toThrow(/`keyUses` takes/)
  })
})

describe('a token in another field', () => {
  const field = 'cf-access-jwt-assertion'
  const tokenHeader = 'Cf-Access-Jwt-Assertion'

  function proxied(server: Partial<ResourceServerOptions> = {}) {
    const made = world({ tokenHeader }, server)
    const send = async (headers: Record<string, string | string[]>) => {
      const result = await made.server.authenticate(requestFacts({ headers }))
      return result.ok ? `ok ${result.auth.scheme}` : `${result.answer.status} ${result.error.code}`
    }
    return { ...made, send, token: made.issuer.mintToken() }
  }

  it('is read there, alone and without a scheme', async () => {
    const { send, token } = proxied()
    expect(await send({ [field]: token })).toBe('ok Bearer')
    expect(await send({})).toBe('401 ERR_TOKEN_MISSING')
    expect(await send({ [field]: '' })).toBe('400 ERR_REQUEST_MALFORMED')
    expect(await send({ [field]: `Bearer ${token}` })).toBe('400 ERR_REQUEST_MALFORMED')
    expect(await send({ [field]: [token, token] })).toBe('400 ERR_REQUEST_AMBIGUOUS')
    expect(await send({ [field]: `${token.slice(0, -4)}AAAA` })).toBe('401 ERR_TOKEN_SIGNATURE')
  })

  it('[REAL-10] leaves Authorization alone, and publishes nothing else', async () => {
    const { send, token, server } = proxied()
    expect(await send({ authorization: `Bearer ${token}` })).toBe('401 ERR_TOKEN_MISSING')
    expect(await send({ authorization: 'Bearer of another service', [field]: token })).toBe('ok Bearer')
    const answer = await server.metadata(requestFacts({ url: '/.well-known/oauth-protected-resource', headers: {} }))
    expect(JSON.parse(answer?.body ?? '')).not.toHaveProperty('bearer_methods_supported')
  })

  it('[REAL-10] refuses two of the fields at once where Authorization is read as well', async () => {
    const other = createTestIssuer({ issuer: 'https://other.test', audience: resource })
    const issuer = [
      { issuer: iss, tokenHeader },
      { issuer: other.issuer, keys: other.publishedKeys() },
    ]
    const { send, token } = proxied({ issuer })
    const bearer = `Bearer ${other.mintToken()}`
    expect(await send({ [field]: token })).toBe('ok Bearer')
    expect(await send({ [field]: token, authorization: bearer })).toBe('400 ERR_REQUEST_AMBIGUOUS')
    expect(await send({ authorization: [bearer, bearer] })).toBe('400 ERR_REQUEST_AMBIGUOUS')
    expect(await send({ authorization: 'Bearer' })).toBe('400 ERR_REQUEST_MALFORMED')
    expect(await send({ authorization: 'Basic abc', [field]: token })).toBe('ok Bearer')
  })

  it('never takes a token that is bound to a key', async () => {
    const { issuer, send } = proxied()
    const bound = issuer.mintToken({ cnf: { jkt: 'a'.repeat(43) } })
    expect(await send({ [field]: bound })).toMatch(/^401 /)
  })

  it.each(['Authorization', 'Cookie', 'DPoP', 'two words', ''])('[REAL-34] cannot be %j', (name) => {
    expect(() => world({ tokenHeader: name })).toThrow(/`tokenHeader` takes/)
  })

  it('needs an issuer that is listed', async () => {
    const made = world({}, { issuer: () => ({ tokenHeader }), tenants: [iss] })
    expect(await made.call(made.issuer.mintToken())).toBe('500 ERR_CONFIGURATION')
    await expect(made.admit(made.issuer.mintToken())).rejects.toThrow(/`tokenHeader` needs an issuer that is listed/)
  })

  it('is that of the issuers of the resource', async () => {
    const made = createAttackedServer({
      resource: [
        { resource, issuers: [iss] },
        { resource: 'https://api.example.com/plain', issuers: ['https://other.test'] },
      ],
      issuer: [{ issuer: iss, tokenHeader }, 'https://other.test'],
    })
    const facts = requestFacts({ headers: { authorization: `Bearer ${made.issuer.mintToken()}` } })
    const codes = await Promise.all(
      [resource, 'https://api.example.com/plain'].map(async (one) => {
        const result = await made.server.authenticate(facts, { resource: one })
        return result.ok ? 'ok' : result.error.code
      }),
    )
    expect(codes).toEqual(['ERR_TOKEN_MISSING', 'ERR_TOKEN_ISSUER'])
  })
})

describe('what stands for the subject', () => {
  const claimProfile = { clientId: 'common_name', subjectStandIn: ['common_name', 'other'] }
  const options: Omit<IssuerOptions, 'issuer'> = { claimProfile, optionalClaims: ['client_id'] }

  it('counts where sub is absent or empty, and only there', async () => {
    const { issuer, admit } = world(options)
    for (const sub of ['', undefined]) {
      const auth = await admit(issuer.mintToken({ sub, common_name: 'robot.access' }))
      expect([auth.subject, auth.clientId, auth.isClientToken]).toEqual(['robot.access', 'robot.access', true])
    }
    expect((await admit(issuer.mintToken({ sub: '', other: 'second' }))).subject).toBe('second')
    expect((await admit(issuer.mintToken({ sub: 'user-7', common_name: 'robot.access' }))).subject).toBe('user-7')
  })

  it.each<[JsonObject, string]>([
    [{ sub: '' }, '401 ERR_TOKEN_CLAIM_MISSING'],
    [{ sub: undefined, other: '' }, '401 ERR_TOKEN_CLAIM_INVALID'],
    [{ sub: '', other: 7 }, '401 ERR_TOKEN_CLAIM_INVALID'],
    [{ sub: null, other: 'x' }, '401 ERR_TOKEN_CLAIM_INVALID'],
    [{ sub: 7, other: 'x' }, '401 ERR_TOKEN_CLAIM_INVALID'],
  ])('refuses %j', async (claims, outcome) => {
    const { issuer, call } = world(options)
    expect(await call(issuer.mintToken(claims))).toBe(outcome)
  })

  it('is nothing by default', async () => {
    const { issuer, call } = world({})
    expect(await call(issuer.mintToken({ sub: '' }))).toBe('401 ERR_TOKEN_CLAIM_INVALID')
    expect(await call(issuer.mintToken({ sub: undefined }))).toBe('401 ERR_TOKEN_CLAIM_MISSING')
  })
})

describe('roles in other forms', () => {
  const rolesOf = async (roles: NonNullable<IssuerOptions['claimProfile']>['roles'], claims: JsonObject) => {
    const { issuer, admit } = world({ claimProfile: { roles } })
    return (await admit(issuer.mintToken(claims))).roles
  }

  it('[REAL-34] are the names of the members of an object', async () => {
    const place = { claim: 'urn:zitadel:iam:org:project:roles', form: 'object-keys' } as const
    const roles = { admin: { '1': 'example.com' }, editor: {} }
    expect(await rolesOf(place, { [place.claim]: roles })).toEqual(['admin', 'editor'])
    for (const value of ['admin', ['admin'], null, 7])
      expect(await rolesOf(place, { [place.claim]: value })).toEqual([])
  })

  it('[REAL-34] are the parts of a comma list', async () => {
    const place = { claim: ['o', 'per'], form: 'comma-list' } as const
    expect(await rolesOf(place, { o: { per: 'read, write,,' } })).toEqual(['read', 'write'])
    expect(await rolesOf(place, { o: { per: ['read'] } })).toEqual([])
    expect(await rolesOf('roles', { roles: 'read, write' })).toEqual(['read, write'])
  })

  it('[REAL-34] add up with those of other places', async () => {
    const places = ['roles', { claim: 'more', form: 'object-keys' }, ['a', 'b.c']] as const
    const claims = { roles: ['x'], more: { y: 1, x: 1 }, a: { 'b.c': 'z' } }
    expect(await rolesOf(places, claims)).toEqual(['x', 'y', 'z'])
  })

  it.each([
    { claim: 'roles' },
    { claim: 'roles', form: 'lines' },
    { form: 'object-keys' },
    { claim: 'a', form: 'comma-list', x: 1 },
    [],
  ])('[REAL-34] stop the start for %j', (roles) => {
    expect(() => world({ claimProfile: { roles: roles as never } })).toThrow(/claimProfile\.roles/)
  })
})

describe('a condition that says what a claim is not', () => {
  const judge = async (condition: unknown, claims: JsonObject) => {
    const { issuer, call } = world({ tokenTypes: ['JWT'], accessTokenEvidence: { kind: condition } as never })
    return (await call(issuer.mintToken(claims, { header: { typ: 'JWT' } }))) === 'ok'
  }

  it('[REAL-02] holds for a claim that is there and is none of the values', async () => {
    for (const kind of ['password', 7, true, ['password'], {}])
      expect(await judge({ not: 'anonymous' }, { kind })).toBe(true)
    for (const kind of ['anonymous', ['x', 'anonymous'], null, undefined]) {
      expect(await judge({ not: 'anonymous' }, { kind })).toBe(false)
    }
    expect(await judge({ not: ['a', 'b'] }, { kind: 'b' })).toBe(false)
  })

  it('[REAL-34] stops the start without values', async () => {
    for (const not of [[], '', {}, undefined]) {
      expect(() =>
        createResourceServer({ resource, issuer: { issuer: iss, accessTokenEvidence: { a: { not } as never } } }),
      ).toThrow(/takes conditions by claim/)
    }
  })
})

describe('what is wrong with the options of an issuer', () => {
  const { publicJwk } = createSigningKey()
  const keyTexts = '`keys` takes a non-empty array of public keys, as JWKs or as texts in PEM.'
  const symmetric = '`keys` holds a symmetric key (kty oct). Give public RSA, EC or OKP keys only.'
  const optional =
    '`optionalClaims` takes a list of jti, client_id, iat only: a token without iss, aud, sub or exp is never accepted.'
  const optionalLogout =
    '`optionalLogoutClaims` takes a list of exp only: a token without iss, aud, iat or jti is never accepted.'

  it.each<[object, string]>([
    [{ issuers: iss }, 'An issuer has no option `issuers`.'],
    [{ issuer: undefined }, '`issuer` takes an absolute https URL'],
    [{ issuer: 'http://a.test' }, '`issuer` takes an https URL'],
    [{ jwksUri: 'http://a.test/keys' }, '`jwksUri` takes an https URL'],
    [{ jwksUri: '' }, '`jwksUri` takes an absolute https URL'],
    [{ algorithms: ['HS256'] }, '`algorithms`'],
    [{ accessTokenEvidence: {} }, '`accessTokenEvidence` takes conditions by claim'],
    [{ keyConditions: {} }, '`keyConditions` takes conditions by claim'],
    [{ keys: [] }, keyTexts],
    [{ keys: publicJwk }, keyTexts],
    [{ keys: 'PEM' }, keyTexts],
    [{ keys: [publicJwk, 5] }, keyTexts],
    [{ keys: [null] }, keyTexts],
    [{ keys: [publicJwk, { kty: 'oct', k: 'AA' }] }, symmetric],
    [{ keys: ['a PEM', { kty: 'oct', k: 'AA' }] }, symmetric],
    [{ keys: [publicJwk], jwksUri: 'https://a.test/keys' }, 'Give either `keys` or `jwksUri`, not both.'],
    [{ keyUses: [''] }, '`keyUses` takes'],
    [{ optionalClaims: ['jti', 'sub'] }, optional],
    [{ optionalClaims: 'jti' }, optional],
    [{ optionalLogoutClaims: ['exp', 'jti'] }, optionalLogout],
    [{ logoutAudience: [] }, '`logoutAudience` takes'],
    [{ clockToleranceSeconds: 301 }, '`clockToleranceSeconds` takes a whole number from 0 to 300.'],
    [{ maxTokenAgeSeconds: 0 }, '`maxTokenAgeSeconds` takes a whole number from 1 to 31536000.'],
    [{ keyCache: { maxAge: 5 } }, '`keyCache` has no option `maxAge`.'],
    [{ dangerouslyUnknownConfirmation: 'pass' }, "`dangerouslyUnknownConfirmation` takes one of 'refuse', 'ignore'."],
  ])('[REAL-34] is told for %j', (options, message) => {
    expect(() => toIssuerSettings({ issuer: iss, ...options } as never, false)).toThrow(message)
  })

  it('[REAL-34] is nothing where they are right, and what is left out is the stricter choice', () => {
    expect(toIssuerSettings(iss, false)).toMatchObject({
      issuer: iss,
      audiences: undefined,
      audienceFrom: undefined,
      jwksUri: undefined,
      keys: undefined,
      keyRules: undefined,
      tokenTypes: ['at+jwt'],
      headerHolds: undefined,
      tokenHeader: undefined,
      optionalClaims: [],
      clockToleranceSeconds: 60,
      maxTokenAgeSeconds: undefined,
      introspection: undefined,
      logoutAudiences: [],
      optionalLogoutClaims: [],
      unknownConfirmation: 'refuse',
    })
    const settings = toIssuerSettings(
      {
        issuer: iss,
        keys: [publicJwk, 'a PEM'],
        optionalClaims: ['jti', 'client_id', 'iat'],
        optionalLogoutClaims: ['exp'],
        logoutAudience: 'client',
        dangerouslyUnknownConfirmation: 'ignore',
      },
      false,
    )
    expect(settings).toMatchObject({
      keys: [publicJwk, 'a PEM'],
      optionalClaims: ['jti', 'client_id', 'iat'],
      optionalLogoutClaims: ['exp'],
      logoutAudiences: ['client'],
      unknownConfirmation: 'ignore',
    })
    expect(toIssuerSettings({ issuer: iss, dangerouslyUnknownConfirmation: 'refuse' }, false)).toMatchObject({
      unknownConfirmation: 'refuse',
    })
  })
})
