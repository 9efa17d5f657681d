import type { OAuthClient, TokenSet } from 'portcullis/client'
import { describe, expect, it } from 'vitest'
import { rejection } from '../../support/client-set-up.js'
import { outcome } from '../api.js'
import { openBrowser } from '../browser.js'
import { alice, logIn, redirectUri } from '../login.js'
import type { World } from './world.js'

/** Logins of users by the OAuth client, from the request to the end of the session. */
export function describeLogins(world: () => World): void {
  describe('a login', () => {
    it('[AZ-01] [OIDC-01] [OIDC-07] gets tokens, and who it is: from the ID token and from userinfo', async () => {
      await using web = world().clientOf('web')
      const { tokens, claims } = await logIn(web, { scope: 'openid email', maxAgeSeconds: 300 })
      expect(claims).toMatchObject({ preferred_username: 'alice', aud: 'web', azp: 'web' })
      expect(await outcome(world().serverOf(), tokens.accessToken)).toBe('accepted')
      const expectedSubject = String(claims?.sub)
      expect(await web.userInfo(tokens.accessToken, { expectedSubject })).toMatchObject({ email: 'alice@example.com' })
      const another = web.userInfo(tokens.accessToken, { expectedSubject: 'somebody-else' })
      expect(await rejection(another)).toMatchObject({ code: 'ERR_LOGIN_SUBJECT' })
    })

    it('[OIDC-04] is held to the acr it asked for', async () => {
      await using web = world().clientOf('web')
      expect((await logIn(web, { acrValues: ['gold'] })).claims).toMatchObject({ acr: 'gold' })
      const { tokens } = await logIn(web, { acrValues: ['silver'] })
      const judged = web.verifyIdToken(String(tokens.idToken), { acrValues: ['gold'] })
      expect(await rejection(judged)).toMatchObject({ code: 'ERR_ID_TOKEN_ACR' })
    })

    it('[PAR-01] [DPOP-C3] may be pushed, and bound to a key with all its tokens', async () => {
      await using mobile = world().clientOf('mobile', { dpop: true })
      const { tokens } = await logIn(mobile, { par: 'always' })
      expect(tokens.tokenType).toBe('DPoP')
      const refreshed = await mobile.refresh({ refreshToken: String(tokens.refreshToken), previous: tokens })
      expect(refreshed.tokenType).toBe('DPoP')
      await using thief = world().clientOf('mobile', { dpop: true })
      const stolen = thief.refresh({ refreshToken: String(refreshed.refreshToken) })
      expect(await rejection(stolen)).toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_GRANT|DPOP_PROOF)$/) })
    })

    it('[AZ-03] [AZ-04] takes no answer of another login or of another server, and says that nobody is signed in', async () => {
      await using web = world().clientOf('web')
      const browser = openBrowser()
      const request = await web.authorizationRequest({ redirectUri, scope: 'openid' })
      const callback = await browser.follow(request.url, redirectUri, alice)
      const other = await web.authorizationRequest({ redirectUri, scope: 'openid' })
      expect(await rejection(web.exchangeCode({ callback, request: other }))).toMatchObject({ code: 'ERR_LOGIN_STATE' })
      const mixedUp = new URL(callback)
      mixedUp.searchParams.set('iss', world().keycloak.otherIssuer)
      const refused = web.exchangeCode({ callback: mixedUp, request })
      expect(await rejection(refused)).toMatchObject({ code: 'ERR_LOGIN_ISSUER' })
      expect((await web.exchangeCode({ callback, request })).claims).toBeDefined()

      const silent = rejection(logIn(web, { prompt: 'none' }))
      expect(await silent).toMatchObject({ name: 'LoginDeniedError', error: 'login_required' })
    })

    it('reads ID tokens that are encrypted to its key, and signed by ES256', async () => {
      const idToken = {
        algorithms: ['ES256'],
        decryptionKeys: [{ key: world().decryptionKey, kid: 'sealed-1' }],
      } as const
      await using sealed = world().clientOf('sealed', { idToken })
      const { tokens, claims } = await logIn(sealed)
      expect(tokens.idToken?.split('.')).toHaveLength(5)
      expect(claims).toMatchObject({ preferred_username: 'alice' })
      await using keyless = world().clientOf('sealed')
      expect(await rejection(logIn(keyless))).toMatchObject({ code: 'ERR_ID_TOKEN_MALFORMED' })
    })

    it('[OIDC-08] refreshes with what it had before, and is over where the user signs out at the server', async () => {
      await using web = world().clientOf('web')
      const browser = openBrowser()
      const { tokens } = await logIn(web, { browser })
      const refreshed = await refresh(web, tokens)
      expect(await web.verifyIdToken(String(refreshed.idToken), {})).toMatchObject({ preferred_username: 'alice' })
      const postLogoutRedirectUri = 'http://127.0.0.1/goodbye'
      const idTokenHint = String(refreshed.idToken)
      const url = await web.endSessionUrl({ idTokenHint, postLogoutRedirectUri, state: 'bye' })
      const back = await browser.follow(String(url), postLogoutRedirectUri)
      expect(back.searchParams.get('state')).toBe('bye')
      expect(await rejection(refresh(web, refreshed))).toMatchObject({ code: 'ERR_INVALID_GRANT' })
    })

    it('[S1-09] works on a device without a browser', async () => {
      await using television = world().clientOf('television')
      const login = await television.deviceAuthorization({ scope: 'openid' })
      const polled = login.poll()
      const answers = { ...alice, accept: 'Yes' }
      expect(await openBrowser().visit(String(login.verificationUriComplete), answers)).toBe(200)
      const { tokens, claims } = await polled
      expect(claims).toMatchObject({ preferred_username: 'alice' })
      expect(await outcome(world().serverOf(), tokens.accessToken)).toBe('accepted')
    })
  })
}

const refresh = (client: OAuthClient, tokens: TokenSet): Promise<TokenSet> =>
  client.refresh({ refreshToken: String(tokens.refreshToken), previous: tokens })
