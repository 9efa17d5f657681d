import { createResourceServer, type IssuerOptions, type JsonObject } from 'portcullis'
import { describe, expect, it } from 'vitest'
import { foreignTokenTypes } from '../../src/resource-server/token/token-type.js'
import { createAttackedServer, resource } from '../support/attacked-server.js'
import { introspectingServer } from '../support/introspecting-server.js'

/** A server whose tokens have no `typ`, or one that says nothing; `judge` mints one with these claims. */
function world(options: Omit<IssuerOptions, 'issuer'> = {}) {
  const { issuer, call } = createAttackedServer({
    issuer: {
      issuer: 'https://issuer.test',
      tokenTypes: ['at+jwt', 'JWT', 'JOSE', null],
      optionalClaims: ['jti', 'client_id'],
      ...options,
    },
  })
  /** Without the claims by which the test issuer shows an access token. */
  return (claims: JsonObject, typ: string | undefined = 'JWT') =>
    call(issuer.mintToken({ scope: undefined, client_id: undefined, ...claims }, { header: { typ } }))
}

const refused = '401 ERR_TOKEN_TYPE'

describe('a JWT whose typ says nothing', () => {
  it.each([undefined, 'JWT', 'jwt', 'application/JWT', 'JOSE'])(
    '[REAL-02] with the typ %s needs evidence: an ID token without nonce and at_hash is refused',
    async (typ) => {
      const judge = world()
      const idToken = { azp: 'spa', auth_time: 1, email: 'a@example.com', sid: 's', acr: '1', roles: ['admin'] }
      expect(await judge(idToken, typ)).toBe(refused)
      expect(await judge({ ...idToken, client_id: 'spa' }, typ)).toBe(refused)
      expect(await judge({ ...idToken, scope: 'read' }, typ)).toBe('ok')
    },
  )

  it('[REAL-02] refuses a plain ID token where tokenTypes is [null]', async () => {
    const judge = world({ tokenTypes: [null] })
    const header: { typ: undefined } = { typ: undefined }
    const { issuer, call } = createAttackedServer({
      issuer: { issuer: 'https://issuer.test', tokenTypes: [null], optionalClaims: ['jti', 'client_id'] },
    })
    expect(await call(issuer.mintToken({ scope: undefined, client_id: undefined, jti: undefined }, { header }))).toBe(
      refused,
    )
    expect(await call(issuer.mintToken({ scope: undefined }, { header }))).toBe(refused)
    expect(await call(issuer.mintToken({}, { header }))).toBe('ok')
    expect(await judge({ scope: 'read' }, 'JWT')).toBe(refused)
  })

  it.each<JsonObject>([
    { typ: 'Bearer' },
    { typ: 'bearer' },
    { typ: 'DPoP' },
    { typ: 'at+jwt' },
    { typ: 'application/at+jwt' },
    { token_use: 'access' },
    { token_use: 'access_token', typ: 'Bearer' },
    { scope: '' },
    { scope: ['read'] },
    { scp: 'read' },
    { scp: [] },
    { scope: 'read', token_type: 'Bearer' },
    { typ: 'Bearer', nonce: 'copied by older Keycloaks' },
  ])('[REAL-02] accepts %j as evidence', async (claims) => {
    expect(await world()(claims)).toBe('ok')
  })

  it.each<JsonObject>([
    {},
    { client_id: 'zitadel writes it into ID tokens' },
    { azp: 'app' },
    { token_type: 'Bearer' },
    { scope: null },
    { scope: 5 },
    { scp: {} },
    { typ: 'JWT', scope: 'read' },
    { typ: 'reset-credentials', scope: 'read' },
    { typ: 5, scope: 'read' },
    { token_use: 'something', typ: 'Bearer' },
    { scope: 'read', nonce: 'n' },
    { scope: 'read', at_hash: 'h' },
    { scope: 'read', c_hash: 'h' },
    { typ: 'Bearer', at_hash: 'h' },
    { token_use: 'access', events: {} },
  ])('[REAL-02] refuses %j', async (claims) => {
    expect(await world()(claims)).toBe(refused)
  })

  const otherKinds: readonly JsonObject[] = [
    { typ: 'ID' },
    { typ: 'id' },
    { typ: 'Refresh' },
    { typ: 'Offline' },
    { typ: 'Logout' },
    { typ: 'Serialized-ID' },
    { typ: 'RegistrationAccessToken' },
    { typ: 'application/logout+jwt' },
    { typ: 'dpop+jwt' },
    { token_use: 'id' },
    { token_use: 'refresh' },
    { token_use: 'refresh_token' },
    { token_type: 'id_token' },
    { tokenName: 'refresh_token', token_type: 'Bearer' },
    { typ: 'Bearer', token_use: 'id' },
    { typ: 'ID', token_use: 'access' },
  ]
  it.each(otherKinds)(
    '[REAL-02] refuses a payload with %j, whatever the header and the evidence say',
    async (claims) => {
      for (const typ of ['JWT', undefined, 'at+jwt', 'AT+JWT']) {
        expect(await world()({ scope: 'read', ...claims }, typ), String(typ)).toBe(refused)
        const named = world({ accessTokenEvidence: [{ scope: { present: true } }, { typ: 'ID' }] })
        expect(await named({ scope: 'read', ...claims }, typ), String(typ)).toBe(refused)
      }
    },
  )

  it('[REAL-02] refuses them also where JWTs are introspected, and asks nobody', async () => {
    const { issuer, outcome } = introspectingServer({ introspection: { introspectJwts: true } })
    for (const claims of otherKinds)
      expect(await outcome(issuer.mintToken(claims)), JSON.stringify(claims)).toBe(refused)
    expect(issuer.requestCount('introspection')).toBe(0)
  })

  it('[REAL-02] knows how Keycloak tells its tokens apart, in the documented set-up', async () => {
    const judge = world({
      tokenTypes: ['at+jwt', 'JWT'],
      accessTokenEvidence: { typ: ['Bearer', 'DPoP'] },
      claimProfile: { clientId: ['client_id', 'azp'], roles: 'realm_access.roles' },
      optionalClaims: ['client_id'],
    })
    const common = { azp: 'app', sid: 's', acr: '1', scope: 'openid email' }
    expect(await judge({ ...common, typ: 'Bearer' })).toBe('ok')
    expect(await judge({ ...common, typ: 'DPoP' })).toBe('ok')
    expect(await judge({ ...common, typ: 'Bearer' }, 'at+jwt')).toBe('ok')
    for (const typ of ['ID', 'Refresh', 'Offline', 'Logout']) expect(await judge({ ...common, typ }), typ).toBe(refused)
    expect(await judge(common)).toBe(refused)
  })

  it.each<[string, NonNullable<IssuerOptions['accessTokenEvidence']>, readonly JsonObject[], readonly JsonObject[]]>([
    ['Cognito', { token_use: 'access' }, [{ token_use: 'access' }], [{ token_use: 'id' }, { scope: 'read' }]],
    ['Okta', { cid: { present: true } }, [{ cid: 'app', scp: ['a'] }], [{ azp: 'app' }, { cid: null }]],
    [
      'Auth0',
      { azp: { present: true }, nonce: { present: false } },
      [{ azp: 'app', gty: 'client-credentials' }],
      [{}, { azp: 'app', nonce: 'n' }],
    ],
    [
      'Entra',
      [
        { azp: { present: true }, scp: { present: true } },
        { azp: { present: true }, idtyp: 'app' },
      ],
      [
        { azp: 'a', scp: 'read' },
        { azp: 'a', idtyp: 'app', roles: ['r'] },
      ],
      [{ roles: ['r'] }, { azp: 'a', idtyp: 'user' }, { scp: 'read' }],
    ],
    [
      'Google service accounts',
      { email: { endsWith: '.gserviceaccount.com' }, email_verified: true },
      [{ email: 'x@y.iam.gserviceaccount.com', email_verified: true }],
      [{ email: 'x@y.iam.gserviceaccount.com' }, { email: 'x@evil.com', email_verified: true }],
    ],
    ['Kubernetes', { 'kubernetes.io': { present: true } }, [{ 'kubernetes.io': {} }], [{ kubernetes: {} }]],
    ['SPIFFE', { sub: { startsWith: 'spiffe://example.org/' } }, [{ sub: 'spiffe://example.org/a' }], [{}]],
  ])('[REAL-02] lets the tokens of %s be told by data', async (_provider, accessTokenEvidence, good, bad) => {
    const judge = world({ accessTokenEvidence })
    for (const claims of good) expect(await judge(claims), JSON.stringify(claims)).toBe('ok')
    for (const claims of bad) expect(await judge(claims), JSON.stringify(claims)).toBe(refused)
    expect(await judge({ typ: 'Bearer' })).toBe(refused)
  })

  it('[REAL-02] needs no evidence where the typ of the header names an access token', async () => {
    expect(await world({ accessTokenEvidence: { cid: 'x' } })({}, 'at+jwt')).toBe('ok')
  })

  it('[REAL-02] tells which option to write', async () => {
    const { issuer, server } = createAttackedServer({ issuer: { issuer: 'https://issuer.test', tokenTypes: ['JWT'] } })
    const token = issuer.mintToken({ scope: undefined }, { header: { typ: 'JWT' } })
    await expect(server.verify(token)).rejects.toMatchObject({
      detail: expect.stringContaining('`accessTokenEvidence`'),
    })
  })
})

describe('foreign token types', () => {
  it.each([
    'dpop+jwt',
    'logout+jwt',
    'token-introspection+jwt',
    'secevent+jwt',
    'client-authentication+jwt',
    'oauth-authz-req+jwt',
    'oauth-id-jag+jwt',
    'txntoken+jwt',
    'id_token+jwt',
  ])('[JWT-07] [REAL-02] never lets %s pass: not as an option, not to introspection', async (typ) => {
    for (const spelt of [typ, `application/${typ.toUpperCase()}`]) {
      const issuer = { issuer: 'https://issuer.test', tokenTypes: [spelt] }
      expect(() => createResourceServer({ resource, issuer }), spelt).toThrow(/another kind of JWT/)
    }
    const { issuer, outcome } = introspectingServer({ introspection: { introspectJwts: true } })
    expect(await outcome(issuer.mintToken({}, { header: { typ } }))).toBe(refused)
    expect(await outcome(issuer.mintToken({ typ }))).toBe(refused)
    expect(issuer.requestCount('introspection')).toBe(0)
    expect(foreignTokenTypes.size).toBe(9)
  })
})
