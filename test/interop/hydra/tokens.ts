import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import {
  type ClientCredential,
  clientSecretBasic,
  clientSecretPost,
  createOAuthClient,
  credentialOf,
  privateKeyJwt,
  publicClient,
} from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { outcome } from '../api.js'
import { openBrowser } from '../browser.js'
import type { World } from './world.js'

const service = { clientId: 'by-basic', clientSecret: 'service-secret' }

/** The preset and every kind of token the server has; opaque tokens; the OAuth client. */
export function describeTokens(world: () => World): void {
  /** What opaque tokens need. The administration port asks for no credential; whoever reaches it may ask. */
  const asking = (further = {}) => {
    const endpoint = `${world().hydra.adminUrl}/admin/oauth2/introspect`
    return world().serverOf({ introspection: { endpoint, credential: clientSecretBasic(service), ...further } })
  }

  describe('the preset', () => {
    it('[REAL-31] accepts the token of a client, and knows that it is one', async () => {
      const auth = await world()
        .serverOf()
        .verify(await world().serviceToken('by-post'))
      expect(auth).toMatchObject({ subject: 'by-post', clientId: 'by-post', scopes: ['read'], isClientToken: true })
    })

    it('accepts the token of a user, with what the consent application put into it', async () => {
      const { accessToken: token } = await world().browserTokens('web')
      const auth = await world().serverOf().verify(token, { roles: 'reader', scope: 'read', acr: 'silver' })
      expect(auth).toMatchObject({ subject: 'alice', clientId: 'web', roles: ['reader'] })
      expect(auth.isClientToken).not.toBe(true)
    })

    it('[REAL-29] refuses a token nobody asked an audience for', async () => {
      const token = await world().serviceToken('by-post', { scope: 'read' })
      expect(await outcome(world().serverOf(), token)).toBe('401 ERR_TOKEN_CLAIM_MISSING')
    })

    it('refuses a token for another service', async () => {
      const server = world().serverOf({ audience: 'https://billing.example' })
      expect(await outcome(server, await world().serviceToken('by-post'))).toBe('401 ERR_TOKEN_AUDIENCE')
    })

    it('refuses ID and refresh tokens, wherever their audience would pass', async () => {
      const { idToken: id, refreshToken: refresh } = await world().browserTokens('web')
      expect(await outcome(world().serverOf({ audience: 'web' }), id)).toBe('401 ERR_TOKEN_TYPE')
      expect(await outcome(world().serverOf(), refresh)).toBe('401 ERR_TOKEN_UNRECOGNISED')
    })
  })

  describe('opaque tokens', () => {
    it('are refused without introspection, and good with it', async () => {
      const token = await world().serviceToken('opaque')
      expect(await outcome(world().serverOf(), token)).toBe('401 ERR_TOKEN_UNRECOGNISED')
      expect(await asking().verify(token)).toMatchObject({ clientId: 'opaque', scopes: ['read'], isClientToken: true })
    })

    it('[REAL-01] are refused where they are refresh tokens, which the server calls active', async () => {
      const { refreshToken: refresh } = await world().browserTokens('web')
      expect(await outcome(asking(), refresh)).toBe('401 ERR_TOKEN_TYPE')
      expect(await outcome(asking({ dangerouslyAllowMissingAudience: true }), refresh)).toBe('401 ERR_TOKEN_TYPE')
    })

    it('are refused once revoked', async () => {
      const token = await world().serviceToken('opaque')
      const server = asking({ cacheSeconds: 0 })
      expect(await outcome(server, token)).toBe('accepted')
      const credential = clientSecretPost({ clientId: 'opaque', clientSecret: 'service-secret' })
      await using client = createOAuthClient({ issuer: world().hydra.issuer, credential })
      await client.revoke(token)
      expect(await outcome(server, token)).toBe('401 ERR_TOKEN_INACTIVE')
    })

    it('[REAL-29] are refused where nobody asked an audience for them', async () => {
      const token = await world().serviceToken('opaque', { scope: 'read' })
      expect(await outcome(asking(), token)).toBe('401 ERR_TOKEN_CLAIM_MISSING')
    })
  })

  describe('the client', () => {
    const open = (credential: ClientCredential) =>
      createOAuthClient({ issuer: world().hydra.issuer, credential, retry: false })
    const target = () => ({ scope: 'read', audience: world().orders.origin })

    it.each([
      ['client_secret_basic', clientSecretBasic(service)],
      ['client_secret_post', clientSecretPost({ ...service, clientId: 'by-post' })],
    ])('authenticates by %s', async (_, credential) => {
      await using client = open(credential)
      const { accessToken } = await client.clientCredentials(target())
      expect(await outcome(world().serverOf(), accessToken)).toBe('accepted')
    })

    it('[REAL-32] authenticates by private_key_jwt, which is for the token endpoint here', async () => {
      const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
      const key = { ...(await crypto.subtle.exportKey('jwk', privateKey)), kid: 'by-key-1', alg: 'ES256' }
      const options = { clientId: 'by-key', keys: [{ key: key as { kty: string } }] }
      await world().hydra.administer('POST', '/clients', {
        client_id: 'by-key',
        grant_types: ['client_credentials'],
        scope: 'read',
        audience: [world().orders.origin],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: privateKeyJwt(options).publicJwks() },
      })
      const audiences = { [world().hydra.issuer]: 'token_endpoint' } as const
      await using client = open(privateKeyJwt({ ...options, audiences }))
      expect(await outcome(world().serverOf(), (await client.clientCredentials(target())).accessToken)).toBe('accepted')
      await using plain = open(privateKeyJwt(options))
      expect(await rejection(plain.clientCredentials(target()))).toMatchObject({ code: 'ERR_INVALID_CLIENT' })
    })

    it('[REAL-30] is told that its authentication failed', async () => {
      await using client = open(clientSecretBasic({ ...service, clientSecret: 'wrong' }))
      const expected = { name: 'ClientAuthenticationError', code: 'ERR_INVALID_CLIENT', status: 401 }
      expect(await rejection(client.clientCredentials())).toMatchObject(expected)
    })

    it('refreshes, and is refused with the refresh token that was replaced', async () => {
      await using web = open(publicClient({ clientId: 'web' }))
      const { refreshToken = '' } = await world().browserTokens('web')
      const refreshed = await web.refresh({ refreshToken })
      expect(await outcome(world().serverOf(), refreshed.accessToken)).toBe('accepted')
      expect(refreshed.refreshToken).not.toBe(refreshToken)
      expect(await rejection(web.refresh({ refreshToken }))).toMatchObject({ code: 'ERR_INVALID_GRANT' })
      const family = web.refresh({ refreshToken: String(refreshed.refreshToken) })
      expect(await rejection(family)).toMatchObject({ code: 'ERR_INVALID_GRANT' })
    })

    it('[AZ-01] [OIDC-01] [OIDC-07] [OIDC-08] signs a user in, asks who it is, refreshes, and signs out at the server', async () => {
      await using web = world().clientOf('web')
      const browser = openBrowser()
      const { tokens, claims } = await world().logIn(web, { browser, acrValues: ['silver'] })
      expect(claims).toMatchObject({ sub: 'alice', aud: ['web'], acr: 'silver' })
      expect(await web.userInfo(tokens.accessToken, { expectedSubject: 'alice' })).toMatchObject({ sub: 'alice' })
      const refreshed = await web.refresh({ refreshToken: String(tokens.refreshToken), previous: tokens })
      expect(await web.verifyIdToken(String(refreshed.idToken), {})).toMatchObject({ sub: 'alice' })

      expect((await world().logIn(web, { browser, prompt: 'none' })).claims?.sub).toBe('alice')
      const postLogoutRedirectUri = 'http://127.0.0.1/goodbye'
      const url = await web.endSessionUrl({ idTokenHint: String(tokens.idToken), postLogoutRedirectUri, state: 'bye' })
      expect((await browser.follow(String(url), postLogoutRedirectUri)).searchParams.get('state')).toBe('bye')
      const silent = rejection(world().logIn(web, { browser, prompt: 'none' }))
      expect(await silent).toMatchObject({ name: 'LoginDeniedError', error: 'login_required' })
    })

    it('[ASRT-01] has a JWT of a trusted issuer turned into a token', async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256')
      const trusted = { issuer: 'https://trusted.example', subject: 'bob', scope: ['read'] }
      await world().hydra.administer('POST', '/trust/grants/jwt-bearer/issuers', {
        ...trusted,
        jwk: { ...(await exportJWK(publicKey)), kid: 'trusted-1', alg: 'ES256', use: 'sig' },
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      })
      await world().hydra.administer('POST', '/clients', {
        client_id: 'by-jwt',
        client_secret: 'service-secret',
        grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
        scope: 'read',
        audience: [world().orders.origin],
      })
      const assertion = await new SignJWT({ jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: 'trusted-1' })
        .setIssuer(trusted.issuer)
        .setSubject(trusted.subject)
        .setAudience(`${world().hydra.issuer}/oauth2/token`)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(privateKey)
      await using client = open(clientSecretBasic({ ...service, clientId: 'by-jwt' }))
      const { accessToken } = await client.jwtBearer({ assertion, ...target() })
      const auth = await world().serverOf().verify(accessToken, { scope: 'read' })
      expect(auth).toMatchObject({ subject: 'bob', clientId: 'by-jwt' })
      expect(auth.isClientToken).not.toBe(true)
    })

    it('is told that there is no token exchange', async () => {
      await using client = open(clientSecretBasic(service))
      const subjectToken = await world().serviceToken('by-post')
      const refused = await rejection(client.exchangeToken({ subjectToken, resource: 'https://billing.example/' }))
      expect(refused).toMatchObject({ name: 'TokenExchangeError' })
    })

    it('[DCR-01] [DCR-08] [DCR-09] registers a client, uses it, reads it and deletes it', async () => {
      await using registrar = open(publicClient({ clientId: 'registrar' }))
      const registered = await registrar.register({ client_name: 'Registered', grant_types: ['client_credentials'] })
      await using client = open(credentialOf(registered))
      expect((await client.clientCredentials()).tokenType).toBe('Bearer')
      const read = await registrar.readRegistration(registered)
      expect(read.metadata['client_name']).toBe('Registered')
      await registrar.deleteRegistration(read)
      const gone = await rejection(client.clientCredentials({}, { forceRefresh: true }))
      expect(gone).toMatchObject({ code: 'ERR_INVALID_CLIENT' })
    })
  })
}
