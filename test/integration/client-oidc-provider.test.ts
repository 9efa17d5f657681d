import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import {
  clientSecretBasic,
  clientSecretPost,
  createOAuthClient,
  privateKeyJwt,
  publicClient,
  TokenTypes,
} from 'portcullis/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMemoryAdapter } from '../../examples/support/memory-adapter.js'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { rejection } from '../support/client-set-up.js'

const api = 'https://api.example/v1'
const other = 'https://other.example/v1'
const opaque = 'https://opaque.example/v1'
const common = { allowInsecureLoopback: true, retry: false } as const

describe('the client at a real authorization server', () => {
  let server: AuthorizationServer
  beforeAll(async () => {
    server = await startAuthorizationServer({
      resources: {
        [api]: { scopes: ['read', 'write'] },
        [other]: { scopes: ['read'] },
        [opaque]: { scopes: ['read'], format: 'opaque' },
      },
    })
  })
  afterAll(() => server.close())

  const gateway = (further = {}) =>
    createOAuthClient({
      issuer: server.issuer,
      credential: clientSecretBasic(server.clients.gateway),
      ...common,
      ...further,
    })
  const app = (further = {}) =>
    createOAuthClient({
      issuer: server.issuer,
      credential: publicClient({ clientId: server.clients.app.clientId }),
      ...common,
      ...further,
    })

  it('[CC-01] gets a token for itself, by Basic and once', async () => {
    const client = gateway()
    const token = await client.clientCredentials({ resource: api, scope: 'read' })
    expect(token).toMatchObject({ tokenType: 'Bearer', scope: ['read'] })
    expect(decodeJwt(token.accessToken)).toMatchObject({
      iss: server.issuer,
      aud: api,
      scope: 'read',
      client_id: 'gateway',
    })
    expect((await client.clientCredentials({ resource: api, scope: 'read' })).accessToken).toBe(token.accessToken)
  })

  it('[RI-03] [ASRT-07] is refused an unknown resource, an unknown scope, and a wrong secret', async () => {
    const client = gateway()
    expect(await rejection(client.clientCredentials({ resource: 'https://unknown.example/' }))).toMatchObject({
      code: 'ERR_INVALID_TARGET',
    })
    const wrong = gateway({ credential: clientSecretBasic({ clientId: 'gateway', clientSecret: 'wrong' }) })
    expect(await rejection(wrong.clientCredentials({ resource: api }))).toMatchObject({
      code: 'ERR_INVALID_CLIENT',
      status: 401,
    })
  })

  it('[TX-01] [TX-05] exchanges the token of a user', async () => {
    const user = await server.getUserToken({ resource: api, scope: 'read' })
    const token = await gateway().exchangeToken({
      subjectToken: user.access_token,
      resource: other,
      requestedTokenType: TokenTypes.accessToken,
    })
    expect(token.issuedTokenType).toBe(TokenTypes.accessToken)
    expect(decodeJwt(token.accessToken)).toMatchObject({
      aud: other,
      sub: decodeJwt(user.access_token).sub,
      act: { sub: 'gateway' },
    })
    const refused = await rejection(gateway().exchangeToken({ subjectToken: 'nonsense', resource: other }))
    expect(refused).toMatchObject({ name: 'TokenExchangeError', code: 'ERR_INVALID_REQUEST' })
  })

  it('[REV-02] introspects, revokes, and sees the token gone', async () => {
    const client = gateway()
    const { accessToken } = await client.clientCredentials({ resource: opaque, scope: 'read' })
    expect(await client.introspect(accessToken)).toMatchObject({ active: true, client_id: 'gateway', scope: 'read' })
    await client.revoke(accessToken, { tokenTypeHint: 'access_token' })
    expect(await client.introspect(accessToken)).toMatchObject({ active: false })
    await expect(client.revoke('never-issued')).resolves.toBeUndefined()
  })

  it('[PAR-01] [PAR-02] pushes an authorization request', async () => {
    const client = app()
    const { challenge } = await client.createPkcePair()
    const pushed = await client.pushAuthorizationRequest({
      redirectUri: server.clients.app.redirectUri,
      codeChallenge: challenge,
      state: 'the-state',
      scope: 'openid',
    })
    const url = new URL(pushed.authorizationUrl)
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    const response = await fetch(url, { redirect: 'manual' })
    expect(response.status).toBe(303)
    const refused = app().pushAuthorizationRequest({
      redirectUri: 'https://evil.example/',
      codeChallenge: challenge,
      state: 's',
    })
    expect(await rejection(refused)).toMatchObject({
      name: 'OAuthResponseError',
      operation: 'pushAuthorizationRequest',
    })
  })

  it('[AZ-09] [D01] refreshes with rotation, once for all who ask', async () => {
    const client = app()
    const user = await server.getUserToken({ resource: api, scope: 'openid offline_access read' })
    const refreshToken = user.refresh_token as string
    const [first, second] = await Promise.all([client.refresh({ refreshToken }), client.refresh({ refreshToken })])
    expect(first).toBe(second)
    expect(first.refreshToken).not.toBe(refreshToken)
    expect(await rejection(client.refresh({ refreshToken }))).toMatchObject({ code: 'ERR_INVALID_GRANT' })
  })

  it('[DPOP-C3] [DPOP-C7] gets tokens bound to its key', async () => {
    const client = gateway({ dpop: true })
    const token = await client.clientCredentials({ resource: api, scope: 'read' })
    expect(token.tokenType).toBe('DPoP')
    expect(decodeJwt(token.accessToken)['cnf']).toHaveProperty('jkt')
  })

  it('[S0-28] tells where the server keeps its endpoints', async () => {
    expect(await gateway().describeEndpoints()).toMatchObject({
      token: { url: `${server.issuer}/token`, source: 'discovered' },
      pushedAuthorizationRequest: { url: `${server.issuer}/request`, source: 'discovered' },
    })
  })
})

describe('registration at a real authorization server', () => {
  let http: Server
  let issuer = ''
  beforeAll(async () => {
    http = createServer()
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const { warn } = console
    console.warn = () => undefined
    const { Provider } = await import('oidc-provider')
    console.warn = warn
    const signing = await generateKeyPair('ES256', { extractable: true })
    const provider = new Provider(issuer, {
      adapter: createMemoryAdapter(),
      jwks: { keys: [{ ...(await exportJWK(signing.privateKey)), alg: 'ES256', use: 'sig' } as never] },
      clientDefaults: { id_token_signed_response_alg: 'ES256' },
      ttl: { ClientCredentials: 300 },
      cookies: { keys: ['a-cookie-key-of-this-test'] },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true },
        registration: { enabled: true },
        registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
      },
      enabledJWA: { clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA', 'HS256'] },
    })
    http.on('request', provider.callback())
  })
  afterAll(async () => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })

  const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }

  it('[DCR-01] [DCR-02] [DCR-08] [DCR-09] registers, reads, updates and deletes a client', async () => {
    const registrar = createOAuthClient({ issuer, credential: publicClient({ clientId: 'registrar' }), ...common })
    const registered = await registrar.register({
      ...machine,
      client_name: 'One',
      token_endpoint_auth_method: 'client_secret_post',
    })
    const { clientId, clientSecret = '' } = registered
    const client = createOAuthClient({ issuer, credential: clientSecretPost({ clientId, clientSecret }), ...common })
    expect((await client.clientCredentials()).tokenType).toBe('Bearer')

    const read = await registrar.readRegistration(registered)
    expect(read.metadata['client_name']).toBe('One')
    const updated = await registrar.updateRegistration(read, { ...read.metadata, client_name: 'Two' })
    expect(updated.metadata['client_name']).toBe('Two')
    expect(updated.registrationAccessToken).not.toBe(read.registrationAccessToken)
    expect(await rejection(registrar.readRegistration(read))).toMatchObject({ code: 'ERR_INVALID_TOKEN', status: 401 })
    await registrar.deleteRegistration(updated)
    expect(await rejection(client.clientCredentials({}, { forceRefresh: true }))).toMatchObject({
      code: 'ERR_INVALID_CLIENT',
    })
    expect(await rejection(registrar.register({ redirect_uris: ['not a uri'] }))).toMatchObject({
      code: 'ERR_INVALID_REDIRECT_URI',
    })
  })

  it('[ASRT-02] [ASRT-04] [ASRT-05] [SEC-10] authenticates by private_key_jwt with the issuer as audience', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const key = { ...(await crypto.subtle.exportKey('jwk', pair.privateKey)), kid: 'k1', alg: 'ES256' }
    const registrar = createOAuthClient({ issuer, credential: publicClient({ clientId: 'registrar' }), ...common })
    const keys = [{ key: key as { kty: string } }]
    const jwks = { keys: privateKeyJwt({ clientId: 'any', keys }).publicJwks() }
    const { clientId } = await registrar.register({ ...machine, token_endpoint_auth_method: 'private_key_jwt', jwks })
    const client = createOAuthClient({ issuer, credential: privateKeyJwt({ clientId, keys }), ...common })
    expect((await client.clientCredentials()).tokenType).toBe('Bearer')
  })
})
