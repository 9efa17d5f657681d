import { createGrants, createResourceServer } from 'portcullis'
import {
  type ClientCredential,
  clientSecretBasic,
  clientSecretPost,
  createOAuthClient,
  credentialOf,
  type OAuthClient,
  publicClient,
  tlsClientAuth,
} from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { keycloak as preset } from 'portcullis/providers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestToken } from '../../../examples/support/sign-in.js'
import { rejection } from '../../support/client-set-up.js'
import { type Api, fetchWith, openApi, outcome } from '../api.js'
import { openBrowser } from '../browser.js'
import { alice, redirectUri } from '../login.js'
import type { World } from './world.js'

const gateway = { clientId: 'orders-api', clientSecret: 'orders-secret' }
const service = { clientId: 'by-secret', clientSecret: 'service-secret' }

/** The OAuth client, and grants. `folder` has the certificate of all servers of this run. */
export function describeClients(world: () => World, folder: string): void {
  const open = (credential: ClientCredential, further = {}): OAuthClient =>
    createOAuthClient({ issuer: world().keycloak.issuer, credential, retry: false, ...further })

  describe('the client', () => {
    const credentials: readonly (readonly [string, () => OAuthClient])[] = [
      ['client_secret_basic', () => open(clientSecretBasic(service))],
      ['client_secret_post', () => open(clientSecretPost(service))],
      ['private_key_jwt', () => open(world().privateKey)],
      [
        'tls_client_auth',
        () => open(tlsClientAuth({ clientId: 'by-certificate' }), { fetch: fetchWith(world().certificate) }),
      ],
    ]
    it.each(credentials)('authenticates by %s', async (method, create) => {
      await using client = create()
      const { accessToken } = await client.clientCredentials()
      const expected = method === 'tls_client_auth' ? '401 ERR_TOKEN_CERTIFICATE' : 'accepted'
      expect(await outcome(world().serverOf(), accessToken)).toBe(expected)
    })

    it('[REAL-30] is told that its authentication failed', async () => {
      await using client = open(clientSecretBasic({ ...service, clientSecret: 'wrong' }))
      const expected = { name: 'ClientAuthenticationError', code: 'ERR_INVALID_CLIENT', status: 401 }
      expect(await rejection(client.clientCredentials())).toMatchObject(expected)
    })

    it('refreshes, introspects and revokes', async () => {
      await using web = open(publicClient({ clientId: 'web' }))
      await using asking = open(clientSecretBasic(gateway))
      const { refresh_token: refreshToken = '' } = await world().passwordTokens({ client_id: 'web' })
      const refreshed = await web.refresh({ refreshToken })
      expect(await outcome(world().serverOf(), refreshed.accessToken)).toBe('accepted')
      expect(await asking.introspect(refreshed.accessToken)).toMatchObject({ active: true, username: 'alice' })
      await web.revoke(String(refreshed.refreshToken), { tokenTypeHint: 'refresh_token' })
      expect(await asking.introspect(refreshed.accessToken)).toMatchObject({ active: false })
      const again = web.refresh({ refreshToken: String(refreshed.refreshToken) })
      expect(await rejection(again)).toMatchObject({ code: 'ERR_INVALID_GRANT' })
    })

    it('[PAR-01] pushes an authorization request, which a browser completes', async () => {
      await using web = open(publicClient({ clientId: 'web' }))
      const { challenge, verifier } = await web.createPkcePair()
      const request = { redirectUri, codeChallenge: challenge, state: 'a-state', scope: 'openid' }
      const { authorizationUrl } = await web.pushAuthorizationRequest(request)
      const back = await openBrowser().follow(authorizationUrl, redirectUri, alice)
      expect(back.searchParams.get('state')).toBe('a-state')
      expect(back.searchParams.get('iss')).toBe(world().keycloak.issuer)
      const tokens = await requestToken(`${world().keycloak.issuer}/protocol/openid-connect/token`, {
        grant_type: 'authorization_code',
        code: String(back.searchParams.get('code')),
        redirect_uri: redirectUri,
        client_id: 'web',
        code_verifier: verifier,
      })
      expect(await outcome(world().serverOf(), tokens.access_token)).toBe('accepted')
    })

    it('[DCR-01] [DCR-08] [DCR-09] registers a client, uses it, reads it and deletes it', async () => {
      const ticket = await world().keycloak.administer('POST', '/clients-initial-access', { count: 1, expiration: 60 })
      await using registrar = open(publicClient({ clientId: 'registrar' }))
      const metadata = { client_name: 'Registered', grant_types: ['client_credentials'], redirect_uris: [] }
      const registered = await registrar.register(metadata, {
        initialAccessToken: (ticket as { token: string }).token,
      })
      await using client = open(credentialOf(registered))
      expect((await client.clientCredentials()).tokenType).toBe('Bearer')
      const read = await registrar.readRegistration(registered)
      expect(read.metadata['client_name']).toBe('Registered')
      await registrar.deleteRegistration(read)
      const gone = await rejection(client.clientCredentials({}, { forceRefresh: true }))
      expect(gone).toMatchObject({ code: 'ERR_INVALID_CLIENT' })
    })
  })

  describe('a grant', () => {
    let billing: Api
    beforeAll(async () => {
      const { orders, keycloak } = world()
      billing = await openApi(folder)
      const issuer = { ...preset({ issuer: keycloak.issuer }), audience: 'billing-api' }
      const downstream = portcullis(createResourceServer({ resource: billing.origin, issuer }))
      billing.app.get('/bills', downstream.requireToken(), ({ auth }, res) => {
        res.json({ subject: auth.subject, clientId: auth.clientId, audience: auth.claims['aud'] })
      })
      billing.app.get('/bound-bills', downstream.requireToken({ dpop: 'required' }), ({ auth }, res) => {
        res.json({ subject: auth.subject, scheme: auth.scheme })
      })
      const grants = createGrants({ client: open(clientSecretBasic(gateway)) })
      const { requireToken, grant } = portcullis(world().serverOf(), { grants })
      const toBilling = { resource: billing.origin, audience: 'billing-api', sendResource: false }
      orders.app.get('/bills', requireToken(), grant(toBilling), async ({ auth }, res) => {
        const response = await auth.access.fetch(billing.origin)('/bills')
        res.status(response.status).json(await response.json())
      })
      const bound = portcullis(world().serverOf(), {
        grants: createGrants({ client: open(clientSecretBasic(gateway), { dpop: true }) }),
      })
      orders.app.get('/bound-bills', bound.requireToken(), bound.grant(toBilling), async ({ auth }, res) => {
        const response = await auth.access.fetch(billing.origin)('/bound-bills')
        res.status(response.status).json(await response.json())
      })
      for (const audience of ['web', 'no-such-client']) {
        const unavailable = grant({ ...toBilling, audience })
        orders.app.get(`/bills-of/${audience}`, requireToken(), unavailable, (_req, res) => void res.send())
      }
    })
    afterAll(() => billing?.close())

    it('[TX-01] [TX-12] calls another service for the user, with a token for that service alone', async () => {
      const { access_token: token } = await world().passwordTokens({ client_id: 'web' })
      const headers = { authorization: `Bearer ${token}` }
      const response = await fetch(`${world().orders.origin}/bills`, { headers })
      expect(response.status).toBe(200)
      const { subject } = await world().serverOf().verify(token)
      expect(await response.json()).toEqual({ subject, clientId: 'orders-api', audience: 'billing-api' })
      expect((await fetch(`${billing.origin}/bills`, { headers })).status).toBe(401)
    })

    it('[TX-15] [DPOP-C4] gets tokens bound to the key of this service, for a service that takes no others', async () => {
      const { access_token: token } = await world().passwordTokens({ client_id: 'web' })
      const response = await fetch(`${world().orders.origin}/bound-bills`, {
        headers: { authorization: `Bearer ${token}` },
      })
      const { subject } = await world().serverOf().verify(token)
      expect(await response.json()).toEqual({ subject, scheme: 'DPoP' })
    })

    it('[REAL-27] is 502 where the server refuses the target, 500 where it knows none, and 401 where the session has ended', async () => {
      const { access_token: token, refresh_token: refresh } = await world().passwordTokens({ client_id: 'web' })
      const headers = { authorization: `Bearer ${token}` }
      expect((await fetch(`${world().orders.origin}/bills-of/web`, { headers })).status).toBe(502)
      expect((await fetch(`${world().orders.origin}/bills-of/no-such-client`, { headers })).status).toBe(500)
      await fetch(`${world().keycloak.issuer}/protocol/openid-connect/logout`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'web', refresh_token: String(refresh) }),
      })
      const ended = await fetch(`${world().orders.origin}/bills`, { headers })
      expect(ended.status).toBe(401)
      expect(ended.headers.get('www-authenticate')).toContain('error="invalid_token"')
    })
  })
}
