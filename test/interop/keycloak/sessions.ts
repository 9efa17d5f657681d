import { clientSecretBasic } from 'portcullis/client'
import { describe, expect, it, vi } from 'vitest'
import { keyOf, logOut, outcome } from '../api.js'
import { openBrowser } from '../browser.js'
import { listenForLogouts } from '../logout-listener.js'
import { keepAsking } from '../traffic.js'
import type { World } from './world.js'

/** Logout, new keys, and a server that goes away: in this order, since each changes the server for good. */
export function describeSessions(world: () => World): void {
  describe('back-channel logout', () => {
    it('[REAL-35] ends the tokens of the session at both clients, and those of no other session', async () => {
      const [web, shop] = [listenForLogouts(world(), 'web'), listenForLogouts(world(), 'shop')]
      const browser = openBrowser()
      const atWeb = await world().browserTokens('web', { browser })
      const atShop = await world().browserTokens('shop', { browser })
      const elsewhere = await world().browserTokens('web')
      expect(await outcome(web.server, atWeb.accessToken)).toBe('accepted')
      expect(await outcome(shop.server, atShop.accessToken)).toBe('accepted')

      const end = new URL(`${world().keycloak.issuer}/protocol/openid-connect/logout`)
      end.searchParams.set('id_token_hint', String(atWeb.idToken))
      expect(await browser.visit(end)).toBe(200)
      await vi.waitFor(() => expect([web.received.length, shop.received.length]).toEqual([1, 1]), 10_000)
      expect(await outcome(web.server, atWeb.accessToken)).toBe('401 ERR_TOKEN_REVOKED')
      expect(await outcome(shop.server, atShop.accessToken)).toBe('401 ERR_TOKEN_REVOKED')
      expect(await outcome(web.server, elsewhere.accessToken)).toBe('accepted')

      const [logoutToken] = web.received
      expect(await outcome(world().serverOf({ audience: 'web' }), logoutToken)).toMatch(/^401 /)
      expect(await logOut(shop.server, logoutToken)).toBe(400)
      expect(await logOut(web.server, logoutToken)).toBe(400)
      expect(await logOut(world().serverOf({ logoutAudience: ['shop', 'web'] }), logoutToken)).toBe(200)
    })
  })

  describe('new keys', () => {
    it('are found when a token names one, while tokens of the old one stay good', async () => {
      const { keycloak, serverOf, serviceToken } = world()
      const server = serverOf()
      const before = await serviceToken('by-secret')
      expect(await outcome(server, before)).toBe('accepted')
      await keycloak.administer('POST', '/components', {
        name: 'the new key',
        providerId: 'rsa-generated',
        providerType: 'org.keycloak.keys.KeyProvider',
        config: { priority: ['200'], enabled: ['true'], active: ['true'], algorithm: ['RS256'], keySize: ['2048'] },
      })
      const after = await serviceToken('by-secret')
      expect(keyOf(after)).not.toBe(keyOf(before))
      expect(await outcome(server, after)).toBe('accepted')
      expect(await outcome(server, before)).toBe('accepted')
    })

    it('[JWKS-07] replace one that was withdrawn', async () => {
      const { keycloak, serverOf, serviceToken } = world()
      const good = await serviceToken('by-secret')
      const path = '/components?type=org.keycloak.keys.KeyProvider'
      const components = (await keycloak.administer('GET', path)) as { id: string; name: string; config: object }[]
      const newest = components.find(({ name }) => name === 'the new key')
      await keycloak.administer('PUT', `/components/${newest?.id}`, {
        ...newest,
        config: { ...newest?.config, enabled: ['false'], active: ['false'] },
      })
      const fresh = serverOf()
      expect(await outcome(fresh, await serviceToken('by-secret'))).toBe('accepted')
      expect(await outcome(fresh, good)).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
    })
  })

  describe('a restart under traffic', () => {
    it('is 503 or served from what is known, never 401, and is over by itself', async () => {
      const { keycloak, serverOf, serviceToken, passwordTokens } = world()
      const credential = clientSecretBasic({ clientId: 'orders-api', clientSecret: 'orders-secret' })
      const introspection = { credential, introspectJwts: true, cacheSeconds: 0, timeoutMs: 1000 }
      const [warm, asking, cold] = [serverOf(), serverOf({ introspection }), serverOf()]
      const known = (await passwordTokens({ client_id: 'web' })).access_token
      const unseen = await Promise.all(Array.from({ length: 20 }, () => serviceToken('by-secret')))
      expect(await outcome(warm, known)).toBe('accepted')
      expect(await outcome(asking, known)).toBe('accepted')

      const traffic = keepAsking({
        known: () => outcome(warm, known),
        unseen: () => outcome(warm, unseen.pop() ?? known),
        introspected: () => outcome(asking, known),
      })
      await keycloak.stop()
      expect(await outcome(cold, known)).toMatch(/^503 /)
      await vi.waitFor(
        () => expect(traffic.seen('introspected')).toContain('503 ERR_INTROSPECTION_UNAVAILABLE'),
        20_000,
      )
      await keycloak.start()
      await vi.waitFor(async () => expect(await outcome(cold, known)).toBe('accepted'), {
        timeout: 60_000,
        interval: 500,
      })
      await vi.waitFor(async () => expect(await outcome(asking, known)).toBe('accepted'), {
        timeout: 60_000,
        interval: 500,
      })
      await traffic.stop()
      expect(await outcome(warm, await serviceToken('by-secret'))).toBe('accepted')

      expect(traffic.seen('known')).toEqual(['accepted'])
      expect(traffic.seen('unseen')).toEqual(['accepted'])
      expect(traffic.seen('introspected').sort()).toEqual(['503 ERR_INTROSPECTION_UNAVAILABLE', 'accepted'])
      expect(unseen).toEqual([])
    }, 420_000)
  })
}
