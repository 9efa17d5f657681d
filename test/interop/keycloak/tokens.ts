import { createResourceServer, type PortcullisEvent } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { keycloak as preset } from 'portcullis/providers'
import { beforeAll, describe, expect, it } from 'vitest'
import { outcome } from '../api.js'
import type { Tokens, World } from './world.js'

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

/** The set-up of the README, with the preset, and every kind of token the server has. */
export function describeTokens(world: () => World): void {
  describe('the set-up of the README', () => {
    let user: Tokens
    beforeAll(async () => {
      const { orders, keycloak } = world()
      const issuer = preset({ issuer: keycloak.issuer, clientId: 'orders-api' })
      const server = createResourceServer({ resource: orders.origin, issuer })
      const { metadata, requireToken } = portcullis(server)
      orders.app.use(metadata())
      orders.app.get('/me', requireToken(), (req, res) => {
        const { subject, clientId, scopes, roles, isClientToken } = req.auth
        res.json({ subject, clientId, scopes, roles, isClientToken })
      })
      orders.app.get(
        '/reader',
        requireToken({ roles: { all: ['reader', 'approver'] } }),
        (_req, res) => void res.send(),
      )
      orders.app.get('/admin', requireToken({ roles: 'admin' }), (_req, res) => void res.send())
      orders.app.get('/mail', requireToken({ scope: 'email' }), (_req, res) => void res.send())
      orders.app.get('/phone', requireToken({ scope: 'phone' }), (_req, res) => void res.send())
      user = await world().passwordTokens({ client_id: 'web' })
    })

    it('challenges, and its metadata names the realm', async () => {
      const { orders, keycloak } = world()
      const response = await fetch(`${orders.origin}/me`)
      expect(response.status).toBe(401)
      const url = /resource_metadata="([^"]+)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1] ?? ''
      const document = await (await fetch(url)).json()
      expect(document).toMatchObject({ resource: orders.origin, authorization_servers: [keycloak.issuer] })
    })

    it('accepts the token of a user, and knows client, scopes, and the roles of realm and client', async () => {
      const response = await fetch(`${world().orders.origin}/me`, bearer(user.access_token))
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({
        clientId: 'web',
        scopes: expect.arrayContaining(['openid', 'email', 'profile']),
        roles: expect.arrayContaining(['reader', 'approver']),
      })
    })

    it('[REAL-31] knows a service account', async () => {
      const token = await world().serviceToken('by-secret')
      const response = await fetch(`${world().orders.origin}/me`, bearer(token))
      expect(await response.json()).toMatchObject({ clientId: 'by-secret', isClientToken: true })
      const ofUser = await fetch(`${world().orders.origin}/me`, bearer(user.access_token))
      expect((await ofUser.json()).isClientToken).not.toBe(true)
    })

    it('passes the metadata of the realm on to clients that look for it at the API', async () => {
      const { orders, keycloak } = world()
      const issuer = preset({ issuer: keycloak.issuer })
      const options = { resource: orders.origin, issuer, authorizationServerMetadata: 'pass-through' } as const
      orders.app.use(portcullis(createResourceServer(options)).metadata())
      const response = await fetch(`${orders.origin}/.well-known/oauth-authorization-server`)
      expect(await response.json()).toMatchObject({
        issuer: keycloak.issuer,
        code_challenge_methods_supported: expect.arrayContaining(['S256']),
      })
    })

    it('[REAL-34] lets roles and scopes of the token in, and no others', async () => {
      const call = (path: string) => fetch(`${world().orders.origin}${path}`, bearer(user.access_token))
      const statuses = await Promise.all(
        ['/reader', '/admin', '/mail', '/phone'].map(async (path) => (await call(path)).status),
      )
      expect(statuses).toEqual([200, 403, 200, 403])
      expect((await call('/phone')).headers.get('www-authenticate')).toContain('error="insufficient_scope"')
    })
  })

  describe('the preset', () => {
    it('accepts tokens of a client that is switched to at+jwt', async () => {
      expect(await outcome(world().serverOf(), await world().serviceToken('rfc9068'))).toBe('accepted')
    })

    it.each(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
      'accepts tokens signed by %s',
      async (algorithm) => {
        expect(await outcome(world().serverOf(), await signedBy(world(), algorithm))).toBe('accepted')
      },
    )

    it.each(['HS256', 'RS512'])('refuses tokens signed by %s, which is not on the list', async (algorithm) => {
      expect(await outcome(world().serverOf(), await signedBy(world(), algorithm))).toBe('401 ERR_TOKEN_ALGORITHM')
    })

    it('refuses ID, refresh and offline tokens, wherever their audience would pass', async () => {
      const { keycloak, serverOf, passwordTokens } = world()
      const { id_token: id, refresh_token: refresh } = await passwordTokens({ client_id: 'web' })
      const offline = await passwordTokens({ client_id: 'web', scope: 'openid offline_access' })
      expect(await outcome(serverOf({ audience: 'web' }), id)).toBe('401 ERR_TOKEN_TYPE')
      expect(await outcome(serverOf(), id)).toMatch(/^401 ERR_TOKEN_(TYPE|AUDIENCE)$/)
      const permissive = serverOf({ audience: keycloak.issuer })
      expect(await outcome(permissive, refresh)).toBe('401 ERR_TOKEN_ALGORITHM')
      expect(await outcome(permissive, offline.refresh_token)).toBe('401 ERR_TOKEN_ALGORITHM')
      expect(await outcome(serverOf(), offline.access_token)).toBe('accepted')
    })

    it('refuses a token of another realm of the same server', async () => {
      const { keycloak, serverOf, passwordTokens } = world()
      const { access_token: foreign } = await passwordTokens({ client_id: 'web' }, keycloak.otherIssuer)
      expect(await outcome(serverOf(), foreign)).toBe('401 ERR_TOKEN_ISSUER')
    })

    it('[REAL-36] serves two realms beside each other', async () => {
      const { keycloak, orders, passwordTokens } = world()
      const issuers = [keycloak.issuer, keycloak.otherIssuer].map((issuer) => preset({ issuer }))
      const server = createResourceServer({ resource: orders.origin, issuer: issuers })
      for (const { issuer } of issuers) {
        const { access_token: token } = await passwordTokens({ client_id: 'web' }, issuer)
        expect((await server.verify(token)).issuer).toBe(issuer)
      }
    })

    it('[REAL-40] is what a refusal names where it was forgotten', async () => {
      const { keycloak, orders, serviceToken } = world()
      const events: PortcullisEvent[] = []
      const server = createResourceServer({
        resource: orders.origin,
        issuer: keycloak.issuer,
        explainRefusals: true,
        onEvent: (event) => void events.push(event),
      })
      expect(await outcome(server, await serviceToken('by-secret'))).toBe('401 ERR_TOKEN_TYPE')
      const refused = events.find(({ type }) => type === 'auth.refused')
      expect(JSON.stringify(refused)).toContain(`keycloak({ issuer: '${keycloak.issuer}' })`)
    })

    it('refuses a token for another service', async () => {
      const { serverOf, serviceToken } = world()
      const token = await serviceToken('by-secret')
      expect(await outcome(serverOf({ audience: 'https://billing.example' }), token)).toBe('401 ERR_TOKEN_AUDIENCE')
    })
  })

  describe('introspection', () => {
    const credential = clientSecretBasic({ clientId: 'orders-api', clientSecret: 'orders-secret' })
    const asking = (further = {}) =>
      world().serverOf({ introspection: { credential, introspectJwts: true, ...further } })

    it('makes lightweight tokens good, which say too little by themselves', async () => {
      const token = await world().serviceToken('lightweight')
      expect(await outcome(world().serverOf(), token)).toBe('401 ERR_TOKEN_CLAIM_MISSING')
      const auth = await asking().verify(token)
      expect(auth).toMatchObject({ clientId: 'lightweight', isClientToken: true })
      expect(auth.roles).toContain('offline_access')
    })

    it('[REAL-01] refuses ID and refresh tokens', async () => {
      const { id_token: id, refresh_token: refresh } = await world().passwordTokens({ client_id: 'web' })
      expect(await outcome(asking(), id)).toMatch(/^401 /)
      expect(await outcome(asking(), refresh)).toMatch(/^401 /)
      expect(await outcome(asking({ dangerouslyAllowMissingAudience: true }), refresh)).toMatch(/^401 /)
    })

    it('refuses a token whose session was ended', async () => {
      const { access_token: token, refresh_token: refresh } = await world().passwordTokens({ client_id: 'web' })
      const server = asking({ cacheSeconds: 0 })
      expect(await outcome(server, token)).toBe('accepted')
      await fetch(`${world().keycloak.issuer}/protocol/openid-connect/logout`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'web', refresh_token: String(refresh) }),
      })
      expect(await outcome(server, token)).toBe('401 ERR_TOKEN_INACTIVE')
      expect(await outcome(world().serverOf(), token)).toBe('accepted')
    })

    it('may be asked for by private_key_jwt', async () => {
      const token = await world().serviceToken('lightweight')
      expect(await outcome(asking({ credential: world().privateKey }), token)).toBe('accepted')
    })

    it('is 503 with the wrong secret', async () => {
      const wrong = clientSecretBasic({ clientId: 'orders-api', clientSecret: 'wrong' })
      const token = await world().serviceToken('lightweight')
      expect(await outcome(asking({ credential: wrong }), token)).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
    })
  })
}

/** An access token, signed as asked; Keycloak makes a key where it has none for an algorithm. */
async function signedBy({ keycloak, serviceToken }: World, algorithm: string): Promise<string> {
  const [client] = (await keycloak.administer('GET', '/clients?clientId=any-algorithm')) as [Record<string, unknown>]
  const attributes = { ...(client['attributes'] as object), 'access.token.signed.response.alg': algorithm }
  await keycloak.administer('PUT', `/clients/${client['id']}`, { ...client, attributes })
  return serviceToken('any-algorithm')
}
