import express from 'express'
import { decodeJwt } from 'jose'
import { type Auth, createGrants, createResourceServer, type Grant, withGrants } from 'portcullis'
import { clientSecretBasic, createOAuthClient, type OAuthClient, TokenTypes } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { freePort, type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'

/** Opens a port for an application that is known only once its address is. */
async function openApplication() {
  let answer: express.Express | undefined
  const listening = await listenOnLoopback((req, res) => answer?.(req, res))
  const serve = (app: express.Express) => {
    answer = app
  }
  return { ...listening, serve }
}

let authorizationServer: AuthorizationServer
let calendar: LoopbackServer
let boundCalendar: LoopbackServer
let gateway: LoopbackServer
let gatewayGrants: ReturnType<typeof createGrants>
let boundGrants: ReturnType<typeof createGrants>
let verifyAtGateway: (token: string) => Promise<Auth>

function client(options: { dpop?: boolean } = {}): OAuthClient {
  return createOAuthClient({
    issuer: authorizationServer.issuer,
    credential: clientSecretBasic(authorizationServer.clients.gateway),
    allowInsecureLoopback: true,
    ...options,
  })
}

/** A downstream service that tells whom it sees. */
function serviceAt(resource: string, dpop: 'required' | 'allowed'): express.Express {
  const server = createResourceServer({
    resource,
    issuer: authorizationServer.issuer,
    allowInsecureLoopback: true,
    dpop: { nonce: { secrets: ['0123456789abcdef0123456789abcdef'] } },
  })
  const { requireToken } = portcullis(server)
  const app = express()
  app.all('/events', requireToken({ scope: 'events:read', dpop }), ({ auth, method }, res) => {
    res.json({ method, subject: auth.subject, actor: auth.actor, scheme: auth.scheme, audience: auth.claims['aud'] })
  })
  return app
}

beforeAll(async () => {
  const applications = [await openApplication(), await openApplication(), await openApplication()] as const
  ;[gateway, calendar, boundCalendar] = applications
  authorizationServer = await startAuthorizationServer({
    port: await freePort(),
    resources: {
      [gateway.origin]: { scopes: ['profile'] },
      [calendar.origin]: { scopes: ['events:read', 'events:write'] },
      [boundCalendar.origin]: { scopes: ['events:read'] },
    },
  })
  applications[1].serve(serviceAt(calendar.origin, 'allowed'))
  applications[2].serve(serviceAt(boundCalendar.origin, 'required'))

  const server = createResourceServer({
    resource: gateway.origin,
    issuer: authorizationServer.issuer,
    allowInsecureLoopback: true,
  })
  verifyAtGateway = (token) => server.verify(token)
  gatewayGrants = createGrants({ client: client() })
  boundGrants = createGrants({ client: client({ dpop: true }) })
  const { requireToken, grant } = portcullis(server, { grants: gatewayGrants })
  const app = express()
  app.get('/events', requireToken(), grant(calendar.origin), async ({ auth }, res) => {
    const response = await auth.access.fetch(calendar.origin)('/events')
    res.status(response.status).json(await response.json())
  })
  const unknown = 'https://unknown.example/'
  app.get('/unknown', requireToken(), grant(unknown), (_req, res) => void res.json({}))
  const optional: Grant = { resource: unknown, mode: 'optional' }
  app.get('/optional', requireToken(), grant(calendar.origin, optional), ({ auth: { access } }, res) => {
    res.json({ status: access.status, failed: access.failed, succeeded: access.succeeded })
  })
  applications[0].serve(app)
})

afterAll(() => Promise.all([authorizationServer?.close(), gateway?.close(), calendar?.close(), boundCalendar?.close()]))

const userToken = async (subject: string) =>
  (await authorizationServer.getUserToken({ resource: gateway.origin, subject })).access_token
const get = (url: string, token: string) => fetch(url, { headers: { authorization: `Bearer ${token}` } })

describe('delegation across two services and a real authorization server', () => {
  it('[TX-01] [TX-08] [TX-12] [S3-21] calls the downstream service for the user, with the gateway as actor', async () => {
    const response = await get(`${gateway.origin}/events`, await userToken('alice'))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      method: 'GET',
      subject: 'alice',
      actor: { sub: 'gateway' },
      scheme: 'Bearer',
      audience: calendar.origin,
    })
  })

  it('[TX-12] keeps each token where it belongs', async () => {
    const token = await userToken('alice')
    const auth = await verifyAtGateway(token)
    const downstream = await withGrants(gatewayGrants, auth, [calendar.origin], ({ access }) =>
      access.token(calendar.origin),
    )
    expect(decodeJwt(downstream)).toMatchObject({ sub: 'alice', aud: calendar.origin, act: { sub: 'gateway' } })
    const statusOf = async (url: string, credential: string) => (await get(url, credential)).status
    expect(await statusOf(`${calendar.origin}/events`, downstream)).toBe(200)
    expect(await statusOf(`${calendar.origin}/events`, token)).toBe(401)
    expect(await statusOf(`${gateway.origin}/events`, token)).toBe(200)
    expect(await statusOf(`${gateway.origin}/events`, downstream)).toBe(401)
  })

  it('[TX-08] [TX-09] [S3-30] nests actors when a delegated token is exchanged again', async () => {
    const auth = await verifyAtGateway(await userToken('alice'))
    const first = await withGrants(gatewayGrants, auth, [calendar.origin], ({ access }) =>
      access.token(calendar.origin),
    )
    const again = await client().exchangeToken({ subjectToken: first, resource: boundCalendar.origin })
    const actor = { sub: 'gateway', act: { sub: 'gateway' } }
    expect(decodeJwt(again.accessToken)).toMatchObject({ sub: 'alice', act: actor })
    const server = createResourceServer({
      resource: boundCalendar.origin,
      issuer: authorizationServer.issuer,
      allowInsecureLoopback: true,
    })
    expect((await server.verify(again.accessToken)).actor).toEqual(actor)
  })

  it('[D04] never gives one user the events of another', async () => {
    const subjects = Array.from({ length: 6 }, (_, index) => `user-${index}`)
    const tokens = await Promise.all(subjects.map(userToken))
    const order = Array.from({ length: 60 }, (_, index) => (index * 7) % subjects.length)
    const seen = await Promise.all(
      order.map(async (index) => (await (await get(`${gateway.origin}/events`, tokens[index] ?? '')).json()).subject),
    )
    expect(seen).toEqual(order.map((index) => subjects[index]))
  })

  it('[TX-14] [TX-07] answers 502 for a target the server refuses, and lets optional grants fail alone', async () => {
    const token = await userToken('alice')
    const refused = await get(`${gateway.origin}/unknown`, token)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([502, null])
    const { error } = await refused.json()
    expect(error).toBe('downstream_refused')
    expect(await (await get(`${gateway.origin}/optional`, token)).json()).toEqual({
      status: 'partial_error',
      succeeded: [calendar.origin],
      failed: ['https://unknown.example/'],
    })
  })

  it('[TX-05] is refused a scope the service does not have', async () => {
    const auth = await verifyAtGateway(await userToken('alice'))
    const grant = { resource: calendar.origin, scope: 'events:delete' }
    const { failure } = await gatewayGrants.prepare([grant])(auth)
    expect(failure).toMatchObject({ status: 502, reason: 'invalid_scope' })
    const narrow = { resource: calendar.origin, scope: 'events:read', requestedTokenType: TokenTypes.accessToken }
    await withGrants(gatewayGrants, auth, [narrow], async ({ access }) => {
      expect(decodeJwt(access.token(calendar.origin))['scope']).toBe('events:read')
    })
  })

  it('[TX-15] [DPOP-C1] [DPOP-C4] proves possession to a service that wants bound tokens and nonces', async () => {
    const auth = await verifyAtGateway(await userToken('alice'))
    await withGrants(boundGrants, auth, [boundCalendar.origin], async ({ access }) => {
      const call = access.fetch(boundCalendar.origin)
      const before = boundCalendar.requests()
      for (const method of ['GET', 'POST', 'patch']) {
        const response = await call('/events?page=1', { method, ...(method !== 'GET' && { body: 'x' }) })
        expect(response.status).toBe(200)
        expect(await response.json()).toMatchObject({ method: method.toUpperCase(), subject: 'alice', scheme: 'DPoP' })
      }
      expect(boundCalendar.requests() - before).toBeLessThanOrEqual(6)
      const stolen = await get(`${boundCalendar.origin}/events`, access.token(boundCalendar.origin))
      expect(stolen.status).toBe(401)
    })
  })

  it('[TX-14] [E-13] answers 503 while the server is down, and goes on with what it has', async () => {
    const [known, fresh] = [await userToken('alice'), await userToken('bob')]
    expect((await get(`${gateway.origin}/events`, known)).status).toBe(200)
    await authorizationServer.stop()
    try {
      expect((await get(`${gateway.origin}/events`, known)).status).toBe(200)
      const patience = createGrants({ client: client(), exchangeTimeoutMs: 500 })
      const { failure } = await patience.prepare([calendar.origin])(await verifyAtGateway(fresh))
      expect(failure).toMatchObject({ status: 503, code: 'ERR_GRANT_UNAVAILABLE' })
    } finally {
      await authorizationServer.restart()
    }
    expect((await get(`${gateway.origin}/events`, fresh)).status).toBe(200)
  })
})
