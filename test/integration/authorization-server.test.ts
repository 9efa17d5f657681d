import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { createDpopClient } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthorizationServer,
  followToRedirect,
  requestToken,
  signIn,
  startAuthorizationServer,
} from '../support/authorization-server.js'
import { freePort } from '../support/loopback-server.js'

const api = 'https://api.example.com'
const calendar = 'https://calendar.example.com'
const vault = 'https://vault.example.com'
let server: AuthorizationServer

beforeAll(async () => {
  server = await startAuthorizationServer({
    port: await freePort(),
    resources: {
      [api]: { scopes: ['profile:read', 'profile:write'] },
      [calendar]: { scopes: ['events:read', 'events:write'], audience: 'calendar', lifetimeSeconds: 60 },
      [vault]: { scopes: ['secrets'], format: 'opaque' },
    },
  })
})

afterAll(() => server.close())

async function verify(token: string, audience: string) {
  const keySet = createRemoteJWKSet(new URL(`${server.issuer}/jwks`))
  return jwtVerify(token, keySet, { issuer: server.issuer, audience, typ: 'at+jwt' })
}

async function introspect(token: string, accept = 'application/json'): Promise<Response> {
  const { clientId, clientSecret } = server.clients.gateway
  return fetch(`${server.issuer}/token/introspection`, {
    method: 'POST',
    headers: { accept, authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ token }),
  })
}

describe('the authorization server of the tests', () => {
  it('describes itself at both well-known places', async () => {
    const [oauth, openid] = await Promise.all(
      ['oauth-authorization-server', 'openid-configuration'].map(async (name) =>
        (await fetch(`${server.issuer}/.well-known/${name}`)).json(),
      ),
    )
    expect(oauth).toEqual(openid)
    expect(oauth).toMatchObject({
      issuer: server.issuer,
      code_challenge_methods_supported: ['S256'],
      registration_endpoint: `${server.issuer}/reg`,
      introspection_endpoint: `${server.issuer}/token/introspection`,
      revocation_endpoint: `${server.issuer}/token/revocation`,
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      acr_values_supported: ['urn:example:password', 'urn:example:mfa'],
      grant_types_supported: expect.arrayContaining(['urn:ietf:params:oauth:grant-type:token-exchange']),
    })
  })

  it("gets a user's token for a resource, with the claims of RFC 9068", async () => {
    const answer = await server.getUserToken({ resource: api, scope: 'profile:read' })
    expect(answer).toMatchObject({ token_type: 'Bearer', scope: 'profile:read', expires_in: 300 })
    const { payload, protectedHeader } = await verify(answer.access_token, api)
    expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: server.publishedKeys()[0]?.kid })
    expect(payload).toMatchObject({ sub: 'user-1', client_id: 'app', scope: 'profile:read', jti: expect.any(String) })
  })

  it('gives the audience and the lifetime of the resource, to the user asked for', async () => {
    const answer = await server.getUserToken({ resource: calendar, scope: 'events:read', subject: 'alice' })
    const { payload } = await verify(answer.access_token, 'calendar')
    expect(payload.sub).toBe('alice')
    expect(Number(payload.exp) - Number(payload.iat)).toBe(60)
  })

  it('says how and when the user signed in', async () => {
    const plain = decodeJwt((await server.getUserToken({ resource: api, scope: 'profile:read' })).access_token)
    expect(plain).not.toHaveProperty('acr')
    expect(plain['auth_time']).toEqual(expect.any(Number))
    const answer = await server.getUserToken({ resource: api, acrValues: 'urn:example:mfa', maxAgeSeconds: 60 })
    const stepped = decodeJwt(answer.access_token)
    expect(stepped['acr']).toBe('urn:example:mfa')
    expect(Math.abs(Date.now() / 1000 - Number(stepped['auth_time']))).toBeLessThan(300)
  })

  it('binds a token to a DPoP key', async () => {
    const client = createDpopClient()
    const answer = await server.getUserToken({ resource: api, scope: 'profile:read', dpop: client })
    expect(answer.token_type).toBe('DPoP')
    expect((await verify(answer.access_token, api)).payload['cnf']).toEqual({ jkt: client.jkt })
  })

  it('issues opaque tokens that introspection knows, plainly and signed', async () => {
    const { access_token: token } = await server.getUserToken({ resource: vault, scope: 'secrets' })
    expect(token.split('.')).toHaveLength(1)
    const expected = { active: true, sub: 'user-1', aud: vault, scope: 'secrets', client_id: 'app', iss: server.issuer }
    expect(await (await introspect(token)).json()).toMatchObject(expected)
    const type = 'application/token-introspection+jwt'
    const signed = await introspect(token, type)
    expect(signed.headers.get('content-type')).toContain(type)
    const jwt = await signed.text()
    expect(decodeProtectedHeader(jwt).typ).toBe('token-introspection+jwt')
    expect(decodeJwt(jwt)['token_introspection']).toMatchObject(expected)
  })

  it('revokes', async () => {
    const { access_token: token } = await server.getUserToken({ resource: vault, scope: 'secrets' })
    const body = new URLSearchParams({ token, client_id: server.clients.app.clientId })
    expect((await fetch(`${server.issuer}/token/revocation`, { method: 'POST', body })).status).toBe(200)
    expect(await (await introspect(token)).json()).toEqual({ active: false })
  })

  it('issues for client credentials, and renews by refresh token', async () => {
    const own = await server.getClientToken({ resource: api, scope: 'profile:write' })
    expect((await verify(own.access_token, api)).payload).toMatchObject({ sub: 'gateway', scope: 'profile:write' })
    const first = await server.getUserToken({ resource: api, scope: 'offline_access profile:read' })
    const next = await requestToken(`${server.issuer}/token`, {
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
      client_id: 'app',
    })
    expect((await verify(next.access_token, api)).payload['auth_time']).toBe(decodeJwt(first.access_token)['auth_time'])
  })

  it('refuses resources it does not know, and requests without PKCE', async () => {
    await expect(server.getUserToken({ resource: 'https://elsewhere.example.com' })).rejects.toThrow('invalid_target')
    const { clientId, redirectUri } = server.clients.app
    const url = new URL(`${server.issuer}/auth`)
    url.search = String(new URLSearchParams({ response_type: 'code', client_id: clientId, redirect_uri: redirectUri }))
    expect((await followToRedirect(url, redirectUri)).searchParams.get('error')).toBe('invalid_request')
  })

  it('registers public clients with loopback redirects, as MCP clients are', async () => {
    const redirectUri = 'http://localhost:33418/callback'
    const registration = await fetch(`${server.issuer}/reg`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'An MCP client',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        scope: 'profile:read',
      }),
    })
    const { client_id: clientId } = (await registration.json()) as { client_id: string }
    expect(registration.status).toBe(201)
    const token = await signIn(server.issuer, { clientId, redirectUri }, { resource: api, scope: 'profile:read' })
    expect((await verify(token.access_token, api)).payload['client_id']).toBe(clientId)
  })
})

describe('its token exchange', () => {
  it('issues for another resource, in the name of the user, with the gateway as actor', async () => {
    const subject = await server.getUserToken({ resource: api, scope: 'profile:read', subject: 'alice' })
    const answer = await server.exchangeToken({
      subjectToken: subject.access_token,
      resource: calendar,
      scope: 'events:read',
    })
    expect(answer).toMatchObject({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      scope: 'events:read',
    })
    expect((await verify(answer.access_token, 'calendar')).payload).toMatchObject({
      sub: 'alice',
      client_id: 'gateway',
      scope: 'events:read',
      act: { sub: 'gateway' },
    })
  })

  it('nests earlier actors and never outlives the subject token', async () => {
    const subject = await server.getUserToken({ resource: calendar, scope: 'events:read' })
    const first = await server.exchangeToken({ subjectToken: subject.access_token, resource: api })
    const second = await server.exchangeToken({ subjectToken: first.access_token, resource: vault })
    const third = await server.exchangeToken({ subjectToken: second.access_token, resource: api })
    const { payload } = await verify(third.access_token, api)
    expect(payload['act']).toEqual({ sub: 'gateway', act: { sub: 'gateway', act: { sub: 'gateway' } } })
    expect(payload['scope']).toBe('profile:read profile:write')
    expect(Number(payload.exp)).toBeLessThanOrEqual(Number(decodeJwt(subject.access_token).exp) + 1)
  })

  it('refuses foreign subject tokens, unknown resources and scopes, and public clients', async () => {
    const { access_token: subjectToken } = await server.getUserToken({ resource: api, scope: 'profile:read' })
    const tampered = `${subjectToken.slice(0, -4)}AAAA`
    await expect(server.exchangeToken({ subjectToken: tampered, resource: calendar })).rejects.toThrow(
      'invalid_request',
    )
    await expect(server.exchangeToken({ subjectToken, resource: 'https://x.test' })).rejects.toThrow('invalid_target')
    await expect(server.exchangeToken({ subjectToken, resource: calendar, scope: 'events:delete' })).rejects.toThrow(
      'invalid_scope',
    )
    await expect(
      requestToken(`${server.issuer}/token`, {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_id: 'app',
      }),
    ).rejects.toThrow('400')
  })
})

describe('its life', () => {
  it('rotates keys, with and without overlap, and keeps its state', async () => {
    const { access_token: opaque } = await server.getUserToken({ resource: vault, scope: 'secrets' })
    const before = await server.getUserToken({ resource: api })
    await server.rotateKeys()
    const after = await server.getUserToken({ resource: api })
    expect(decodeProtectedHeader(after.access_token).kid).not.toBe(decodeProtectedHeader(before.access_token).kid)
    await expect(verify(before.access_token, api)).resolves.toBeDefined()
    await expect(verify(after.access_token, api)).resolves.toBeDefined()
    await server.rotateKeys({ overlap: false })
    expect(server.publishedKeys()).toHaveLength(1)
    await expect(verify(after.access_token, api)).rejects.toThrow()
    expect(await (await introspect(opaque)).json()).toMatchObject({ active: true })
  })

  it('stops and comes back on the same port', async () => {
    const before = await server.getUserToken({ resource: api })
    await server.stop()
    await server.stop()
    await expect(fetch(`${server.issuer}/jwks`)).rejects.toThrow('fetch failed')
    await server.restart()
    await expect(verify(before.access_token, api)).resolves.toBeDefined()
  })

  it('publishes no private member', async () => {
    const { keys } = (await (await fetch(`${server.issuer}/jwks`)).json()) as { keys: object[] }
    expect(keys.flatMap((key) => Object.keys(key))).not.toContain('d')
    expect(server.publishedKeys().flatMap((key) => Object.keys(key))).not.toContain('d')
  })
})
