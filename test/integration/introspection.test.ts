import { createResourceServer, type IntrospectionOptions, type ResourceServerOptions } from 'portcullis'
import { clientSecretBasic, clientSecretPost } from 'portcullis/client'
import { createDpopClient, requestFacts } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { outcomeOfResult } from '../support/introspecting-server.js'
import { freePort } from '../support/loopback-server.js'

const vault = 'https://vault.example.com'
const api = 'https://vault.example.com/profile'
let authorizationServer: AuthorizationServer

beforeAll(async () => {
  authorizationServer = await startAuthorizationServer({
    port: await freePort(),
    resources: {
      [vault]: { scopes: ['secrets:read', 'secrets:write'], format: 'opaque' },
      [api]: { scopes: ['profile:read'] },
    },
  })
})

afterAll(() => authorizationServer.close())

function createServer(introspection: Partial<IntrospectionOptions> = {}, options: Partial<ResourceServerOptions> = {}) {
  const { issuer, clients } = authorizationServer
  return createResourceServer({
    resource: vault,
    issuer: { issuer, introspection: { credential: clientSecretBasic(clients.gateway), ...introspection } },
    allowInsecureLoopback: true,
    ...options,
  })
}

function bearer(token: string) {
  return requestFacts({ headers: { authorization: `Bearer ${token}` } })
}

async function revoke(token: string): Promise<void> {
  const body = new URLSearchParams({ token, client_id: authorizationServer.clients.app.clientId })
  expect((await fetch(`${authorizationServer.issuer}/token/revocation`, { method: 'POST', body })).status).toBe(200)
}

describe('opaque tokens of oidc-provider', () => {
  it.each([
    ['client_secret_basic', clientSecretBasic],
    ['client_secret_post', clientSecretPost],
  ])('[INTR-01] [INTR-07] are introspected with %s and give the auth a JWT gives', async (_, createCredential) => {
    const server = createServer({ credential: createCredential(authorizationServer.clients.gateway) })
    const answer = await authorizationServer.getUserToken({
      resource: vault,
      scope: 'secrets:read',
      acrValues: 'urn:example:mfa',
      maxAgeSeconds: 60,
    })
    const requirement = { scope: 'secrets:read', acr: 'urn:example:mfa', maxAgeSeconds: 300 }
    const result = await server.authenticate(bearer(answer.access_token), requirement)
    if (!result.ok) throw result.error
    expect(result.auth).toMatchObject({
      issuer: authorizationServer.issuer,
      subject: 'user-1',
      clientId: 'app',
      resource: vault,
      confirmation: undefined,
      isClientToken: undefined,
    })
    expect(result.auth.scopes).toContain('secrets:read')
    const lacking = await server.authenticate(bearer(answer.access_token), { scope: 'secrets:write' })
    expect(outcomeOfResult(lacking)).toBe('403 ERR_SCOPE_INSUFFICIENT')
  })

  it('[DPOP-25] [INTR-03] bound to a DPoP key are good with its proof alone', async () => {
    const server = createServer()
    const client = createDpopClient()
    const answer = await authorizationServer.getUserToken({ resource: vault, scope: 'secrets:read', dpop: client })
    expect(answer.token_type).toBe('DPoP')
    const url = `${vault}/things`
    const call = async (headers: Record<string, string>) =>
      outcomeOfResult(await server.authenticate(requestFacts({ url: '/things', headers })))
    const { access_token: accessToken } = answer
    const headers = client.headers({ url, accessToken })
    expect(await call(headers)).toBe('accepted')
    expect(await call(headers)).toBe('401 ERR_PROOF_REPLAYED')
    expect(await call(createDpopClient().headers({ url, accessToken }))).toBe('401 ERR_TOKEN_BINDING_MISMATCH')
    expect(await call({ authorization: `Bearer ${accessToken}` })).toBe('401 ERR_TOKEN_BOUND')
    expect(await call({ authorization: `DPoP ${accessToken}` })).toBe('401 ERR_PROOF_MISSING')
  })

  it('[INTR-08] [INTR-11] are introspected with signed answers as well', async () => {
    const token = (await authorizationServer.getUserToken({ resource: vault, scope: 'secrets:read' })).access_token
    const { clientId } = authorizationServer.clients.gateway
    const server = createServer({ signedResponse: true, signedResponseAudience: clientId })
    expect(outcomeOfResult(await server.authenticate(bearer(token)))).toBe('accepted')
    const stranger = createServer({ signedResponse: true })
    expect(outcomeOfResult(await stranger.authenticate(bearer(token)))).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
  })

  it('[INTR-06] are refused once revoked, expired from the cache or never issued', async () => {
    const server = createServer({ cacheSeconds: 0 })
    const token = (await authorizationServer.getUserToken({ resource: vault, scope: 'secrets:read' })).access_token
    expect(outcomeOfResult(await server.authenticate(bearer(token)))).toBe('accepted')
    await revoke(token)
    expect(outcomeOfResult(await server.authenticate(bearer(token)))).toBe('401 ERR_TOKEN_INACTIVE')
    expect(outcomeOfResult(await server.authenticate(bearer('never-issued')))).toBe('401 ERR_TOKEN_INACTIVE')
  })

  it('[INTR-06] [C-17] leave the request at 503 with wrong credentials, and while the server is down', async () => {
    const token = (await authorizationServer.getUserToken({ resource: vault, scope: 'secrets:read' })).access_token
    const credential = clientSecretBasic({ clientId: 'gateway', clientSecret: 'wrong' })
    const wrong = createServer({ credential })
    expect(outcomeOfResult(await wrong.authenticate(bearer(token)))).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    const server = createServer({ endpoint: `${authorizationServer.issuer}/token/introspection` })
    await authorizationServer.stop()
    expect(outcomeOfResult(await server.authenticate(bearer(token)))).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    await authorizationServer.restart()
    expect(outcomeOfResult(await server.authenticate(bearer(token)))).toBe('accepted')
  })

  it('[INTR-03] are refused for another resource, and so is a refresh token', async () => {
    const answer = await authorizationServer.getUserToken({ resource: vault, scope: 'offline_access secrets:read' })
    const other = createServer({}, { resource: api })
    expect(outcomeOfResult(await other.authenticate(bearer(answer.access_token)))).toBe('401 ERR_TOKEN_AUDIENCE')
    const refused = await createServer().authenticate(bearer(String(answer.refresh_token)))
    expect(outcomeOfResult(refused)).toBe('401 ERR_TOKEN_CLAIM_MISSING')
  })

  it('[INTR-03] live beside JWTs of the same issuer, which are verified locally', async () => {
    const server = createServer({}, { resource: [vault, api] })
    const [opaque, jwt] = await Promise.all(
      [vault, api].map((resource) => authorizationServer.getUserToken({ resource })),
    )
    const results = await Promise.all([
      server.authenticate(bearer(String(opaque?.access_token)), { resource: vault }),
      server.authenticate(bearer(String(jwt?.access_token)), { resource: api }),
    ])
    expect(results.map(outcomeOfResult)).toEqual(['accepted', 'accepted'])
  })
})
