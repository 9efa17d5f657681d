import { createResourceServer } from 'portcullis'
import { clientSecretBasic } from 'portcullis/client'
import { hydra as preset } from 'portcullis/providers'
import { describe, expect, it, vi } from 'vitest'
import { keyOf, logOut, outcome } from '../api.js'
import { openBrowser } from '../browser.js'
import { listenForLogouts } from '../logout-listener.js'
import { keepAsking } from '../traffic.js'
import type { World } from './world.js'

/** Logout, new keys, and a server that goes away: in this order, since each changes the server for good. */
export function describeSessions(world: () => World): void {
  describe('back-channel logout', () => {
    it('[REAL-35] ends the tokens of the session at both clients by logout tokens without exp', async () => {
      const { hydra, orders, browserTokens, serverOf } = world()
      const [web, shop] = [listenForLogouts(world(), 'web'), listenForLogouts(world(), 'shop')]
      const browser = openBrowser()
      const atWeb = await browserTokens('web', { browser })
      const atShop = await browserTokens('shop', { browser })
      const elsewhere = await browserTokens('web')
      expect(await outcome(web.server, atWeb.accessToken)).toBe('accepted')
      expect(await outcome(shop.server, atShop.accessToken)).toBe('accepted')

      const end = new URL(`${hydra.issuer}/oauth2/sessions/logout`)
      end.searchParams.set('id_token_hint', String(atWeb.idToken))
      await browser.follow(end, 'http://127.0.0.1/goodbye')
      await vi.waitFor(() => expect([web.received.length, shop.received.length]).toEqual([1, 1]), 10_000)
      await vi.waitFor(
        async () => expect(await outcome(web.server, atWeb.accessToken)).toBe('401 ERR_TOKEN_REVOKED'),
        5000,
      )
      await vi.waitFor(
        async () => expect(await outcome(shop.server, atShop.accessToken)).toBe('401 ERR_TOKEN_REVOKED'),
        5000,
      )
      expect(await outcome(web.server, elsewhere.accessToken)).toBe('accepted')

      const [logoutToken] = web.received
      expect(await outcome(serverOf({ audience: 'web' }), logoutToken)).toBe('401 ERR_TOKEN_TYPE')
      expect(await logOut(shop.server, logoutToken)).toBe(400)
      expect(await logOut(web.server, logoutToken)).toBe(400)
      expect(await logOut(serverOf({ logoutAudience: ['shop', 'web'] }), logoutToken)).toBe(200)
      const issuer = { issuer: hydra.issuer, logoutAudience: 'web' }
      const withoutPreset = createResourceServer({ resource: orders.origin, issuer })
      expect(await logOut(withoutPreset, logoutToken)).toBe(400)
    })
  })

  describe('new keys', () => {
    it('are found when a token names one, while tokens of the old one stay good', async () => {
      const { hydra, serverOf, serviceToken } = world()
      const server = serverOf()
      const before = await serviceToken('by-post')
      expect(await outcome(server, before)).toBe('accepted')
      await hydra.administer('POST', '/keys/hydra.jwt.access-token', { alg: 'RS256', use: 'sig', kid: 'the-new-key' })
      const after = await serviceToken('by-post')
      expect(keyOf(after)).not.toBe(keyOf(before))
      expect(await outcome(server, after)).toBe('accepted')
      expect(await outcome(server, before)).toBe('accepted')
    })

    it('[REAL-07] that come faster than they may be asked for are 503, never 401, and good after a while', async () => {
      const { hydra, orders, serviceToken } = world()
      // Stands still, so that a slow machine gives no key time; ahead of the server, whose tokens are not yet good before.
      let nowMs = Date.now() + 60_000
      const issuer = preset({ issuer: hydra.issuer })
      const server = createResourceServer({ resource: orders.origin, issuer, clock: () => nowMs })
      expect(await outcome(server, await serviceToken('by-post'))).toBe('accepted')
      const tokens: string[] = []
      const outcomes: string[] = []
      for (let key = 0; key < 4; key += 1) {
        await hydra.administer('POST', '/keys/hydra.jwt.access-token', { alg: 'RS256', use: 'sig', kid: `key-${key}` })
        const token = await serviceToken('by-post')
        tokens.push(token)
        outcomes.push(await outcome(server, token))
      }
      expect(new Set(tokens.map(keyOf)).size).toBe(4)
      expect(outcomes[0]).toBe('accepted')
      expect([...new Set(outcomes)].sort()).toEqual(['503 ERR_KEYS_UNAVAILABLE', 'accepted'])
      nowMs += 60_000
      for (const token of tokens) expect(await outcome(server, token)).toBe('accepted')
    })

    it('[JWKS-07] replace one that was withdrawn', async () => {
      const { hydra, serverOf, serviceToken } = world()
      const good = await serviceToken('by-post')
      await hydra.administer('DELETE', `/keys/hydra.jwt.access-token/${keyOf(good)}`)
      const fresh = serverOf()
      expect(await outcome(fresh, await serviceToken('by-post'))).toBe('accepted')
      expect(await outcome(fresh, good)).toBe('401 ERR_TOKEN_KEY_UNKNOWN')
    })
  })

  describe('a restart under traffic', () => {
    it('is 503 or served from what is known, never 401, and is over by itself', async () => {
      const { hydra, serverOf, serviceToken } = world()
      const endpoint = `${hydra.adminUrl}/admin/oauth2/introspect`
      const credential = clientSecretBasic({ clientId: 'by-basic', clientSecret: 'service-secret' })
      const introspection = { endpoint, credential, cacheSeconds: 0, timeoutMs: 1000 }
      const [warm, asking, cold] = [serverOf(), serverOf({ introspection }), serverOf()]
      const [known, opaque] = [await serviceToken('by-post'), await serviceToken('opaque')]
      const unseen = await Promise.all(Array.from({ length: 20 }, () => serviceToken('by-post')))
      expect(await outcome(warm, known)).toBe('accepted')
      expect(await outcome(asking, opaque)).toBe('accepted')

      const traffic = keepAsking({
        known: () => outcome(warm, known),
        unseen: () => outcome(warm, unseen.pop() ?? known),
        introspected: () => outcome(asking, opaque),
      })
      await hydra.stop()
      expect(await outcome(cold, known)).toMatch(/^503 /)
      await vi.waitFor(
        () => expect(traffic.seen('introspected')).toContain('503 ERR_INTROSPECTION_UNAVAILABLE'),
        20_000,
      )
      await hydra.start({ STRATEGIES_JWT_SCOPE_CLAIM: 'string' })
      const patience = { timeout: 60_000, interval: 500 }
      await vi.waitFor(async () => expect(await outcome(cold, known)).toBe('accepted'), patience)
      await vi.waitFor(async () => expect(await outcome(asking, opaque)).toBe('accepted'), patience)
      await traffic.stop()

      expect(traffic.seen('known')).toEqual(['accepted'])
      expect(traffic.seen('unseen')).toEqual(['accepted'])
      expect(traffic.seen('introspected').sort()).toEqual(['503 ERR_INTROSPECTION_UNAVAILABLE', 'accepted'])
      expect(unseen).toEqual([])
    }, 420_000)

    it('[REAL-34] may change how scopes are written: as text they are read as well', async () => {
      const { serverOf, serviceToken } = world()
      const auth = await serverOf().verify(await serviceToken('by-post'), { scope: 'read' })
      expect(auth.claims).toMatchObject({ scope: 'read' })
      expect(auth.claims).not.toHaveProperty('scp')
    })
  })
}
