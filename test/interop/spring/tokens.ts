import { createGrants, createResourceServer, withGrants } from 'portcullis'
import {
  type ClientCredential,
  clientSecretBasic,
  clientSecretPost,
  createOAuthClient,
  type OAuthClient,
} from 'portcullis/client'
import { springAuthorizationServer as preset } from 'portcullis/providers'
import { requestFacts } from 'portcullis/testing'
import { describe, expect, it, vi } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { outcomeOfResult } from '../../support/introspecting-server.js'
import { keyOf, outcome } from '../api.js'
import { logIn } from '../login.js'
import { keepAsking } from '../traffic.js'
import { resource, secretOf, type World } from './world.js'

const secretFor = (clientId: string) => ({ clientId, clientSecret: secretOf(clientId) })
const basic = clientSecretBasic(secretFor('by-basic'))

/** The preset and every kind of token the server has; opaque tokens; the OAuth client; grants; a restart. */
export function describeTokens(world: () => World): void {
  const asking = (further = {}) => world().serverOf({ introspection: { credential: basic, ...further } })
  const open = (credential: ClientCredential, further = {}): OAuthClient =>
    createOAuthClient({ issuer: world().spring.issuer, credential, retry: false, ...further })

  describe('the preset', () => {
    it('[REAL-34] accepts the token of a client, and reads its list of scopes', async () => {
      const auth = await world()
        .serverOf()
        .verify(await world().serviceToken('by-post'), { scope: 'read' })
      expect(auth).toMatchObject({
        subject: 'by-post',
        clientId: undefined,
        scopes: ['read'],
        isClientToken: undefined,
      })
    })

    it('accepts the token of a user', async () => {
      const { accessToken: token } = await world().browserTokens()
      expect(await world().serverOf().verify(token, { scope: 'read' })).toMatchObject({ subject: 'alice' })
    })

    it('[REAL-02] refuses ID and refresh tokens, although the audience of both tokens is the same', async () => {
      const { idToken: id, refreshToken: refresh } = await world().browserTokens()
      expect(await outcome(world().serverOf(), id)).toBe('401 ERR_TOKEN_TYPE')
      expect(await outcome(world().serverOf(), refresh)).toBe('401 ERR_TOKEN_UNRECOGNISED')
    })

    it('refuses the token of a client that is not on the list', async () => {
      expect(await outcome(world().serverOf(), await world().serviceToken('stranger'))).toBe('401 ERR_TOKEN_AUDIENCE')
    })
  })

  describe('opaque tokens', () => {
    it('are refused without introspection, and good with it', async () => {
      const token = await world().serviceToken('opaque')
      expect(await outcome(world().serverOf(), token)).toBe('401 ERR_TOKEN_UNRECOGNISED')
      expect(await asking().verify(token)).toMatchObject({ subject: 'opaque', clientId: 'opaque', scopes: ['read'] })
    })

    it('[REAL-01] are refused where they are refresh tokens, which the server calls active', async () => {
      const { refreshToken: refresh } = await world().browserTokens()
      expect(await outcome(asking(), refresh)).toMatch(/^401 /)
    })

    it('are refused once revoked', async () => {
      const token = await world().serviceToken('opaque')
      const server = asking({ cacheSeconds: 0 })
      expect(await outcome(server, token)).toBe('accepted')
      await using client = open(clientSecretPost(secretFor('opaque')))
      await client.revoke(token)
      expect(await outcome(server, token)).toBe('401 ERR_TOKEN_INACTIVE')
    })
  })

  describe('the client', () => {
    const credentials: readonly (readonly [string, () => ClientCredential])[] = [
      ['client_secret_basic', () => basic],
      ['client_secret_post', () => clientSecretPost(secretFor('by-post'))],
      ['private_key_jwt', () => world().privateKey],
    ]
    it.each(credentials)('authenticates by %s', async (_, credential) => {
      await using client = open(credential())
      const { accessToken } = await client.clientCredentials({ scope: 'read' })
      expect(await outcome(world().serverOf(), accessToken)).toBe('accepted')
    })

    it('[REAL-30] is told that its authentication failed', async () => {
      await using client = open(clientSecretBasic({ clientId: 'by-basic', clientSecret: 'wrong' }))
      const expected = { name: 'ClientAuthenticationError', code: 'ERR_INVALID_CLIENT', status: 401 }
      expect(await rejection(client.clientCredentials())).toMatchObject(expected)
    })

    it('refreshes, and keeps the refresh token where none comes back', async () => {
      await using client = world().clientOf('web')
      const { refreshToken = '' } = await world().browserTokens()
      const refreshed = await client.refresh({ refreshToken })
      expect(await outcome(world().serverOf(), refreshed.accessToken)).toBe('accepted')
      expect((await client.refresh({ refreshToken: String(refreshed.refreshToken) })).tokenType).toBe('Bearer')
      await client.revoke(String(refreshed.refreshToken), { tokenTypeHint: 'refresh_token' })
      const again = client.refresh({ refreshToken: String(refreshed.refreshToken) })
      expect(await rejection(again)).toMatchObject({ code: 'ERR_INVALID_GRANT' })
    })

    it('[AZ-01] [OIDC-01] [OIDC-07] signs a user in, and asks who it is', async () => {
      await using client = world().clientOf('web')
      const { tokens, claims } = await logIn(client, { scope: 'openid read', maxAgeSeconds: 300 })
      expect(claims).toMatchObject({ sub: 'alice', azp: 'web' })
      expect(await client.userInfo(tokens.accessToken, { expectedSubject: 'alice' })).toMatchObject({ sub: 'alice' })
    })

    it('finds userinfo in the OpenID document alone', async () => {
      await using client = open(clientSecretPost(secretFor('web')))
      expect((await client.ready()).userinfo_endpoint).toBe(`${world().spring.issuer}/userinfo`)
      await using openId = world().clientOf('web')
      expect((await openId.ready()).userinfo_endpoint).toBe(`${world().spring.issuer}/userinfo`)
    })

    it('[DPOP-C3] [DPOP-11] gets tokens bound to its key, which pass with a proof alone', async () => {
      await using client = open(basic, { dpop: true })
      const { accessToken, tokenType } = await client.clientCredentials({ scope: 'read' })
      expect(tokenType).toBe('DPoP')
      const proof = await client.dpop?.proof({ method: 'GET', url: `${resource}/orders`, accessToken })
      const headers = { authorization: `DPoP ${accessToken}`, dpop: String(proof) }
      const result = await world()
        .serverOf()
        .authenticate(requestFacts({ url: '/orders', headers }))
      expect(outcomeOfResult(result)).toBe('accepted')
      expect(await outcome(world().serverOf(), accessToken)).toBe('401 ERR_TOKEN_BOUND')
    })
  })

  describe('a grant', () => {
    it('[TX-01] exchanges the token of a user for one of this service', async () => {
      const { issuer } = world().spring
      const auth = await world()
        .serverOf()
        .verify((await world().browserTokens()).accessToken)
      const client = open(clientSecretBasic(secretFor('gateway')))
      const billing = 'https://billing.example.com'
      const grant = { resource: billing, scope: 'read' }
      await withGrants(createGrants({ client }), auth, [grant], async ({ access }) => {
        const options = { resource: billing, issuer: preset({ issuer, clientIds: ['gateway'] }) }
        const downstream = await createResourceServer(options).verify(access.token(billing))
        expect(downstream).toMatchObject({ subject: 'alice', scopes: ['read'] })
      })
      await client.close()
    })
  })

  describe('a server that hangs', () => {
    it('[REAL-08] [C-17] delays no request that known keys can serve, and leaves the others at 503', async () => {
      const { spring, serverOf, serviceToken } = world()
      let aheadMs = 0
      const issuer = {
        ...preset({ issuer: spring.issuer, clientIds: ['by-post'] }),
        keyCache: { defaultMaxAgeSeconds: 60, refreshAheadSeconds: 0 },
      }
      const warm = createResourceServer({ resource, issuer, clock: () => Date.now() + aheadMs })
      const [known, unseen, opaque] = [
        await serviceToken('by-post'),
        await serviceToken('by-post'),
        await serviceToken('opaque'),
      ]
      expect(await outcome(warm, known)).toBe('accepted')
      const asks = asking({ cacheSeconds: 0, timeoutMs: 2000 })
      expect(await outcome(asks, opaque)).toBe('accepted')
      const cold = serverOf()
      await using client = open(basic, { timeoutMs: 2000 })
      await client.ready()

      spring.pause()
      try {
        aheadMs = 120_000 // the keys have expired
        const began = performance.now()
        expect(await outcome(warm, unseen)).toBe('accepted')
        expect(performance.now() - began).toBeLessThan(2000)
        expect(await outcome(asks, opaque)).toBe('503 ERR_INTROSPECTION_UNAVAILABLE')
        expect(await outcome(cold, known)).toMatch(/^503 /)
        expect(await rejection(client.clientCredentials())).toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
      } finally {
        spring.resume()
      }
      const patience = { timeout: 40_000, interval: 500 }
      await vi.waitFor(async () => expect(await outcome(cold, known)).toBe('accepted'), patience)
      await vi.waitFor(async () => expect(await outcome(asks, opaque)).toBe('accepted'), patience)
    })
  })

  describe('a restart under traffic', () => {
    it('brings new keys: known tokens are served while it lasts, and tokens of the new key from then on', async () => {
      const { spring, serverOf, serviceToken } = world()
      const [warm, cold] = [serverOf(), serverOf()]
      const known = await serviceToken('by-post')
      const unseen = await Promise.all(Array.from({ length: 20 }, () => serviceToken('by-post')))
      expect(await outcome(warm, known)).toBe('accepted')

      const traffic = keepAsking({
        known: () => outcome(warm, known),
        unseen: () => outcome(warm, unseen.pop() ?? known),
      })
      await spring.stop()
      expect(await outcome(cold, known)).toMatch(/^503 /)
      await spring.start()
      await traffic.stop()
      expect(traffic.seen('known')).toEqual(['accepted'])
      expect(traffic.seen('unseen')).toEqual(['accepted'])
      expect(unseen).toEqual([])

      const after = await serviceToken('by-post')
      expect(keyOf(after)).not.toBe(keyOf(known))
      expect(await outcome(warm, after)).toBe('accepted')
    }, 420_000)
  })
}
