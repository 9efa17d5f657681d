import { ConfigurationError, createResourceServer, type Fetch, type Requirement, type ResourceServer } from 'portcullis'
import { createFrozenClock, createTestIssuer, mergeFetch, requestFacts, signCompact } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'
import { introspectingServer, outcomeOfResult, resource } from '../support/introspecting-server.js'

const credential = { authenticate: () => ({ headers: { authorization: `Basic ${btoa('test-client:test-secret')}` } }) }

/** Two issuers that both issue for the resource; only the first one's tokens are introspected. */
function twoIssuers(introspectJwts = false) {
  const clock = createFrozenClock()
  const asked = createTestIssuer({ issuer: 'https://asked.test', clock: clock.now })
  const other = createTestIssuer({ issuer: 'https://other.test', clock: clock.now })
  const server = createResourceServer({
    resource,
    issuer: [{ issuer: asked.issuer, introspection: { credential, introspectJwts } }, other.issuer],
    fetch: mergeFetch(asked, other),
    clock: clock.now,
  })
  return { asked, other, outcome: (token: string) => judge(server, token) }
}

async function judge(server: ResourceServer, token: string, requirement?: Requirement) {
  const facts = requestFacts({ headers: { authorization: `Bearer ${token}` } })
  return outcomeOfResult(await server.authenticate(facts, requirement))
}

describe('attacks on introspection', () => {
  it.each([false, true])(
    '[INTR-10] [JWT-07] refuses a signed introspection answer as an access token (introspectJwts: %s)',
    async (introspectJwts) => {
      const { issuer, clock, outcome } = introspectingServer({
        introspection: { introspectJwts },
        issuer: { tokenTypes: ['at+jwt', 'JWT', null], optionalClaims: ['jti', 'client_id'] },
      })
      const key = issuer.signingKey()
      const iat = clock.now() / 1000
      const inner = { active: true, sub: 'admin', aud: resource }
      const payload = {
        iss: issuer.issuer,
        aud: resource,
        iat,
        exp: iat + 60,
        sub: 'admin',
        token_introspection: inner,
      }
      for (const typ of ['token-introspection+jwt', 'application/token-introspection+jwt', 'JWT', undefined]) {
        const token = signCompact({ header: { typ, alg: key.algorithm, kid: key.kid }, payload, key })
        expect(await outcome(token)).toBe('401 ERR_TOKEN_TYPE')
      }
      expect(issuer.requestCount('introspection')).toBe(0)
    },
  )

  it('[INTR-10] [JWT-07] asks nobody about ID tokens, logout tokens and proofs, and still asks about access tokens', async () => {
    const { issuer, outcome } = introspectingServer({ introspection: { introspectJwts: true } })
    for (const typ of ['dpop+jwt', 'logout+jwt', 'client-authentication+jwt']) {
      expect(await outcome(issuer.mintToken({}, { header: { typ } }))).toBe('401 ERR_TOKEN_TYPE')
    }
    for (const foreign of [{ at_hash: 'x' }, { events: {} }, { htm: 'GET' }]) {
      expect(await outcome(issuer.mintToken(foreign, { header: { typ: 'JWT' } }))).toBe('401 ERR_TOKEN_TYPE')
    }
    expect(issuer.requestCount('introspection')).toBe(0)
    expect(await outcome(issuer.mintToken({}, { header: { typ: 'JWT' } }))).toBe('accepted')
    expect(await outcome(issuer.mintToken({}, { header: { typ: 'at+jwt' } }))).toBe('accepted')
  })

  const otherKinds: readonly Record<string, unknown>[] = [
    { token_use: 'refresh' },
    { token_use: 'refresh_token' },
    { token_use: 'REFRESH-TOKEN' },
    { token_use: 'id' },
    { token_use: 'id_token' },
    { token_use: ['refresh_token'] },
    { token_type: 'refresh_token' },
    { token_type: 'Refresh' },
    { token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    { token_type: 'urn:ietf:params:oauth:token-type:id_token' },
    { token_type: 'urn:ietf:params:oauth:token-type:saml2' },
    { token_type: 'https://as.test/token-type/refresh_token' },
    { token_type: 'N_A' },
    { token_type: 'mac' },
    { token_type: 7 },
    { typ: 'Refresh' },
    { typ: 'refresh' },
    { typ: ' Offline ' },
    { typ: 'ID' },
    { typ: 'Serialized-ID' },
    { typ: 'Logout' },
    { typ: 'logout+jwt' },
    { typ: 'application/logout+jwt' },
    { typ: 'id_token+jwt' },
    { typ: 'dpop+jwt' },
    { typ: 'RegistrationAccessToken' },
    { typ: { toString: 'Refresh' } },
    { typ: 'Refresh', token_type: 'Bearer' },
    { typ: 'Bearer', token_use: 'access_token', token_type: 'id_token' },
    { token_type: 'DPoP', typ: 'Offline', cnf: { jkt: 'x' } },
  ]
  it.each([false, true])(
    '[REAL-01] refuses an active token that the answer calls anything but an access token (signed: %s)',
    async (signedResponse) => {
      const { outcomeOf } = introspectingServer({ introspection: { signedResponse } })
      for (const named of otherKinds) {
        expect(await outcomeOf(named), JSON.stringify(named)).toBe('401 ERR_TOKEN_TYPE')
      }
    },
  )

  it.each([
    { typ: 'Bearer', token_type: 'Bearer' },
    { typ: 'at+jwt' },
    { typ: 'JWT', token_use: 'access' },
    { token_use: 'access_token', token_type: 'bearer' },
    { token_use: 'delegated' },
    { token_use: null, typ: null, token_type: null },
    { token_type: 'access_token' },
    { token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    { token_type: 'urn:ietf:params:oauth:token-type:jwt' },
  ])('[REAL-01] lets an access token in that is called one, or nothing in particular: %j', async (named) => {
    expect(await introspectingServer().outcomeOf(named)).toBe('accepted')
  })

  it('[REAL-33] sends nobody a token of characters that no token may have, on any way', async () => {
    const way = { resource, bearerMethods: ['header', 'body', 'query'] as const }
    const { issuer, server } = introspectingServer({ server: { resource: way } })
    for (const token of ['12|laravel', 'a:b', 'a!b', 'a b', 'ä', '"quoted"', 'a=b', '{}']) {
      const inQuery = requestFacts({ url: `/?access_token=${encodeURIComponent(token)}` })
      const inHeader = requestFacts({ headers: { authorization: `Bearer ${token}` } })
      for (const facts of [inQuery, inHeader]) {
        expect(outcomeOfResult(await server.authenticate(facts)), token).toBe('400 ERR_REQUEST_MALFORMED')
      }
    }
    expect(issuer.requestCount('introspection')).toBe(0)
  })

  it('[INTR-09] cannot be talked out of signatures by an answer in plain JSON', async () => {
    const { issuer, outcome } = introspectingServer({ introspection: { signedResponse: true } })
    const body = { active: true, sub: 'admin', aud: resource }
    for (const type of ['application/json', 'application/token-introspection+jwt', 'application/jwt', 'text/html']) {
      issuer.override('introspection', { kind: 'answer', headers: { 'content-type': type }, body })
      expect(await outcome('opaque')).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    }
  })

  it('[INTR-08] takes no answer signed with a public key as a secret, nor an unsigned one', async () => {
    const { issuer, outcome, clock } = introspectingServer({ introspection: { signedResponse: true } })
    const key = issuer.signingKey()
    const inner = { active: true, sub: 'admin', aud: resource }
    const payload = { iss: issuer.issuer, aud: resource, iat: clock.now() / 1000, token_introspection: inner }
    const typ = 'token-introspection+jwt'
    const forged = [
      signCompact({ header: { typ, alg: 'none' }, payload, key: 'none' }),
      signCompact({
        header: { typ, alg: 'HS256', kid: key.kid },
        payload,
        key: { secret: JSON.stringify(key.publicJwk) },
      }),
    ]
    for (const body of forged) {
      issuer.override('introspection', { kind: 'answer', headers: { 'content-type': `application/${typ}` }, body })
      expect(await outcome('opaque')).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    }
  })

  it.each(['true', 1, 'yes', {}, [[true]]])('[INTR-02] does not let active: %j in', async (active) => {
    expect(await introspectingServer().outcomeOf({ active })).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
  })

  it('[INTR-03] [JWT-05] shows no issuer the JWT of another one', async () => {
    for (const introspectJwts of [false, true]) {
      const { asked, other, outcome } = twoIssuers(introspectJwts)
      expect(await outcome(other.mintToken())).toBe('accepted')
      expect(await outcome(other.mintToken({ iss: 'https://unknown.test' }))).toBe('401 ERR_TOKEN_ISSUER')
      expect(asked.requestCount()).toBe(0)
    }
  })

  it('[INTR-03] does not let one issuer speak for another', async () => {
    const { asked, outcome } = twoIssuers()
    expect(await outcome(asked.mintOpaqueToken({ iss: 'https://other.test' }))).toBe('401 ERR_TOKEN_ISSUER')
    expect(await outcome(asked.mintOpaqueToken())).toBe('accepted')
  })

  it('[INTR-03] refuses a set-up in which it could not tell whom to ask', () => {
    const introspection = { credential }
    const issuer = ['https://a.test', 'https://b.test'].map((name) => ({ issuer: name, introspection }))
    expect(() => createResourceServer({ resource, issuer })).toThrow(ConfigurationError)
    const one = { resource, issuers: ['https://b.test'] }
    expect(() => createResourceServer({ resource: one, issuer })).not.toThrow()
  })

  it('[SEC-01] keeps the opaque tokens of a resource from an issuer that may not issue for it', async () => {
    const { issuer, clock } = introspectingServer()
    const shut = `${resource}/shut`
    const server = createResourceServer({
      resource: [resource, { resource: shut, issuers: ['https://b.test'] }],
      issuer: [{ issuer: issuer.issuer, introspection: { credential } }, 'https://b.test'],
      fetch: issuer.fetch,
      clock: clock.now,
    })
    const token = issuer.mintOpaqueToken({ aud: [resource, shut] })
    expect(await judge(server, token, { resource: shut })).toBe('401 ERR_TOKEN_UNRECOGNISED')
    expect(await judge(server, token, { resource })).toBe('accepted')
    expect(await judge(server, token, { resource: shut })).toBe('401 ERR_TOKEN_UNRECOGNISED')
    expect(issuer.requestCount('introspection')).toBe(1)
  })

  it('[SEC-01] judges the audience of a remembered token by the resource of the route', async () => {
    const { issuer, clock } = introspectingServer()
    const other = `${resource}/other`
    const server = createResourceServer({
      resource: [resource, other],
      issuer: { issuer: issuer.issuer, introspection: { credential } },
      fetch: issuer.fetch,
      clock: clock.now,
    })
    const token = issuer.mintOpaqueToken()
    expect(await judge(server, token, { resource })).toBe('accepted')
    expect(await judge(server, token, { resource: other })).toBe('401 ERR_TOKEN_AUDIENCE')
  })

  it('asks nobody about opaque tokens where issuers come from a function, and about JWTs where that says so', async () => {
    const { issuer, clock } = introspectingServer()
    const server = createResourceServer({
      resource,
      issuer: () => ({ introspection: { credential, introspectJwts: true } }),
      tenants: [issuer.issuer],
      fetch: issuer.fetch,
      clock: clock.now,
    })
    expect(await judge(server, issuer.mintOpaqueToken())).toBe('401 ERR_TOKEN_UNRECOGNISED')
    expect(await judge(server, issuer.mintToken())).toBe('accepted')
    expect(issuer.requestCount('introspection')).toBe(1)
  })

  it('[C-17] sends the token nowhere when the endpoint redirects or leads to a private address', async () => {
    const sent: string[] = []
    const fetch: Fetch = (url) => {
      sent.push(url)
      return Promise.resolve(new Response(null, { status: 307, headers: { location: 'https://evil.test/' } }))
    }
    const redirected = introspectingServer({ introspection: { endpoint: 'https://issuer.test/x' }, server: { fetch } })
    expect(await redirected.outcome('opaque')).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    expect(sent).toEqual(['https://issuer.test/x'])
    const metadata = { introspection_endpoint: 'https://169.254.169.254/introspect' }
    const inside = introspectingServer({ authorizationServer: { metadata } })
    expect(await inside.outcome('opaque')).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    expect(inside.events).toContainEqual(expect.objectContaining({ reason: 'private_address' }))
  })
})
