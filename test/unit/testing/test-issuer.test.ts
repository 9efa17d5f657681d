import { createLocalJWKSet, jwtVerify } from 'jose'
import { createDpopClient, createFrozenClock, createTestIssuer, mergeFetch, type TestIssuer } from 'portcullis/testing'
import { describe, expect, it } from 'vitest'

const clock = createFrozenClock()
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

function get(issuer: Pick<TestIssuer, 'fetch'>, url: string) {
  return issuer.fetch(url, { method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal })
}

function post(issuer: TestIssuer, path: string, form: Record<string, string>, headers: Record<string, string> = {}) {
  return issuer.fetch(`${issuer.issuer}${path}`, {
    method: 'POST',
    headers: { Authorization: basic('test-client', 'test-secret'), ...headers },
    body: new URLSearchParams(form).toString(),
    redirect: 'manual',
    signal: new AbortController().signal,
  })
}

describe('discovery', () => {
  it('answers by RFC 8414 and by OpenID Connect', async () => {
    const issuer = createTestIssuer()
    const oauth = await get(issuer, 'https://issuer.test/.well-known/oauth-authorization-server')
    const openid = await get(issuer, 'https://issuer.test/.well-known/openid-configuration')
    const metadata = await oauth.json()
    expect(oauth.headers.get('content-type')).toBe('application/json')
    expect(await openid.json()).toEqual(metadata)
    expect(metadata).toMatchObject({
      issuer: 'https://issuer.test',
      jwks_uri: 'https://issuer.test/jwks',
      introspection_endpoint: 'https://issuer.test/introspect',
      token_endpoint: 'https://issuer.test/token',
    })
  })

  it('puts the path of an issuer where each standard wants it', async () => {
    const issuer = createTestIssuer({ issuer: 'https://issuer.test/t1/' })
    for (const path of [
      '/.well-known/oauth-authorization-server/t1',
      '/t1/.well-known/openid-configuration',
      '/.well-known/openid-configuration/t1',
    ]) {
      const metadata = await (await get(issuer, `https://issuer.test${path}`)).json()
      expect(metadata).toMatchObject({ issuer: 'https://issuer.test/t1/', jwks_uri: 'https://issuer.test/t1/jwks' })
    }
  })

  it('adds and removes members', async () => {
    const issuer = createTestIssuer({ metadata: { token_endpoint: undefined, acr_values_supported: ['mfa'] } })
    const metadata = await (await get(issuer, 'https://issuer.test/.well-known/openid-configuration')).json()
    expect(metadata).not.toHaveProperty('token_endpoint')
    expect(metadata).toHaveProperty('acr_values_supported', ['mfa'])
  })

  it('serves its key set and nothing else', async () => {
    const issuer = createTestIssuer()
    const keySet = await get(issuer, 'https://issuer.test/jwks')
    expect(keySet.headers.get('content-type')).toBe('application/jwk-set+json')
    expect(await keySet.json()).toEqual({ keys: issuer.publishedKeys() })
    expect((await get(issuer, 'https://issuer.test/elsewhere')).status).toBe(404)
    await expect(get(issuer, 'https://elsewhere.test/jwks')).rejects.toThrow(TypeError)
  })
})

describe('mergeFetch', () => {
  it('sends each request to the issuer of its origin', async () => {
    const a = createTestIssuer({ issuer: 'https://a.test' })
    const b = createTestIssuer({ issuer: 'https://b.test/t' })
    const merged = { fetch: mergeFetch(a, b) }
    expect(await (await get(merged, 'https://a.test/jwks')).json()).toEqual({ keys: a.publishedKeys() })
    expect(await (await get(merged, 'https://b.test/t/jwks')).json()).toEqual({ keys: b.publishedKeys() })
    await expect(get(merged, 'https://c.test/jwks')).rejects.toThrow(TypeError)
  })
})

describe('introspection', () => {
  it('tells the claims of an opaque token (RFC 7662 §2.2)', async () => {
    const issuer = createTestIssuer({ clock: clock.now })
    const token = issuer.mintOpaqueToken({ scope: 'a b', username: 'bob' })
    const answer = await post(issuer, '/introspect', { token })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toMatchObject({
      active: true,
      token_type: 'Bearer',
      iss: issuer.issuer,
      scope: 'a b',
      username: 'bob',
      exp: clock.now() / 1000 + 300,
    })
  })

  it('calls a bound token one of type DPoP, and lets a token say what active is', async () => {
    const issuer = createTestIssuer()
    const bound = issuer.mintOpaqueToken({ cnf: { jkt: 'x' } })
    expect(await (await post(issuer, '/introspect', { token: bound })).json()).toMatchObject({ token_type: 'DPoP' })
    const odd = issuer.mintOpaqueToken({ active: 'true', cnf: {} })
    expect(await (await post(issuer, '/introspect', { token: odd })).json()).toMatchObject({
      active: 'true',
      token_type: 'Bearer',
    })
  })

  it('knows JWTs it signed, also with a retired key, and no others', async () => {
    const issuer = createTestIssuer()
    const token = issuer.mintToken()
    issuer.rotateKeys({ overlap: false })
    expect(await (await post(issuer, '/introspect', { token })).json()).toMatchObject({ active: true, sub: 'user-1' })
    for (const stranger of [createTestIssuer().mintToken(), issuer.mintToken({}, { tamper: 'payload' }), 'x', '']) {
      expect(await (await post(issuer, '/introspect', { token: stranger })).json()).toEqual({ active: false })
    }
  })

  it('calls revoked and expired tokens inactive', async () => {
    const time = createFrozenClock()
    const issuer = createTestIssuer({ clock: time.now })
    const [revoked, lasting, eternal] = [{}, {}, { exp: undefined }].map((claims) => issuer.mintOpaqueToken(claims))
    issuer.revoke(revoked ?? '')
    const isActive = async (token = '') => (await (await post(issuer, '/introspect', { token })).json()).active
    expect([await isActive(revoked), await isActive(lasting)]).toEqual([false, true])
    time.advance(300_000)
    expect([await isActive(lasting), await isActive(eternal)]).toEqual([false, true])
  })

  it('signs its answer where the caller asks for that (RFC 9701 §5)', async () => {
    const issuer = createTestIssuer({ clock: clock.now })
    const token = issuer.mintOpaqueToken()
    const accept = 'application/token-introspection+jwt'
    const answer = await post(issuer, '/introspect', { token }, { Accept: accept })
    expect(answer.headers.get('content-type')).toBe(accept)
    const keys = issuer.publishedKeys().map((jwk) => ({ ...jwk, kty: 'EC' }))
    const { payload } = await jwtVerify(await answer.text(), createLocalJWKSet({ keys }), {
      typ: 'token-introspection+jwt',
      issuer: issuer.issuer,
      audience: 'https://api.example.com',
    })
    expect(Object.keys(payload)).toEqual(['iss', 'aud', 'iat', 'token_introspection'])
    expect(payload['token_introspection']).toMatchObject({ active: true, sub: 'user-1' })
    expect(payload.iat).toBe(clock.now() / 1000)
  })

  it('answers 401 to a caller it does not know, by header or form (RFC 7662 §2.3)', async () => {
    const issuer = createTestIssuer({ clients: { 'my client': 'p&ss:word' } })
    const token = issuer.mintOpaqueToken()
    const status = async (headers: Record<string, string>, form = {}) =>
      (await post(issuer, '/introspect', { token, ...form }, { Authorization: '', ...headers })).status
    expect(await status({})).toBe(401)
    expect(await status({ Authorization: 'Bearer x' })).toBe(401)
    expect(await status({ Authorization: basic('my client', 'wrong') })).toBe(401)
    expect(await status({ Authorization: basic('toString', '') })).toBe(401)
    expect(await status({}, { client_id: 'my client', client_secret: 'wrong' })).toBe(401)
    expect(await status({ Authorization: basic('my+client', 'p%26ss%3Aword') })).toBe(200)
    expect(await status({ Authorization: basic('my client', 'p&ss:word') })).toBe(200)
    expect(await status({}, { client_id: 'my client', client_secret: 'p&ss:word' })).toBe(200)
  })

  it('wants a POST with a token', async () => {
    const issuer = createTestIssuer()
    expect((await get(issuer, `${issuer.issuer}/introspect`)).status).toBe(405)
    expect((await post(issuer, '/introspect', {})).status).toBe(400)
  })
})

describe('the token endpoint', () => {
  const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'

  it('issues for client credentials', async () => {
    const issuer = createTestIssuer({ clock: clock.now, lifetimeSeconds: 60 })
    const answer = await post(issuer, '/token', { grant_type: 'client_credentials', scope: 'jobs' })
    const body = await answer.json()
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 60, scope: 'jobs' })
    expect(body).not.toHaveProperty('issued_token_type')
    expect(await (await post(issuer, '/introspect', { token: body.access_token })).json()).toMatchObject({
      sub: 'test-client',
      client_id: 'test-client',
      aud: 'https://api.example.com',
      scope: 'jobs',
    })
    const silent = await (await post(issuer, '/token', { grant_type: 'client_credentials' })).json()
    expect(silent).not.toHaveProperty('scope')
  })

  it('exchanges a token for a resource and names the actor (RFC 8693 §2.2.1)', async () => {
    const issuer = createTestIssuer()
    const form = { grant_type: grantType, subject_token: issuer.mintToken({ act: { sub: 'gateway' } }) }
    const body = await (await post(issuer, '/token', { ...form, resource: 'https://down.test' })).json()
    expect(body).toMatchObject({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      scope: 'read',
    })
    expect(await (await post(issuer, '/introspect', { token: body.access_token })).json()).toMatchObject({
      sub: 'user-1',
      aud: 'https://down.test',
      act: { sub: 'test-client', act: { sub: 'gateway' } },
    })
  })

  it('aims at several targets, and binds to the key of a proof', async () => {
    const issuer = createTestIssuer()
    const client = createDpopClient()
    const form = { grant_type: grantType, subject_token: issuer.mintToken(), resource: 'https://a.test', audience: 'b' }
    const dpop = client.proof({ method: 'POST', url: `${issuer.issuer}/token` })
    const body = await (await post(issuer, '/token', form, { DPoP: dpop })).json()
    expect(body.token_type).toBe('DPoP')
    expect(await (await post(issuer, '/introspect', { token: body.access_token })).json()).toMatchObject({
      aud: ['https://a.test', 'b'],
      cnf: { jkt: client.jkt },
      act: { sub: 'test-client' },
    })
  })

  it('refuses subject tokens it did not issue, and unknown grants', async () => {
    const issuer = createTestIssuer()
    for (const form of [{}, { subject_token: createTestIssuer().mintToken() }]) {
      const answer = await post(issuer, '/token', { grant_type: grantType, ...form })
      expect([answer.status, await answer.json()]).toEqual([400, { error: 'invalid_request' }])
    }
    const other = await post(issuer, '/token', { grant_type: 'password' })
    expect([other.status, await other.json()]).toEqual([400, { error: 'unsupported_grant_type' }])
  })
})
