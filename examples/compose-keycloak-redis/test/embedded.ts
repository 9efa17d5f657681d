import { randomUUID } from 'node:crypto'
import { createTestIssuer } from 'portcullis/testing'
import type { AuthorizationServer, Surroundings } from './authorization-server.js'

/** Tokens as Keycloak makes them, of an authorization server in this process. */
export async function startEmbedded({ resource, logoutUrl }: Surroundings): Promise<AuthorizationServer> {
  const issuer = createTestIssuer({ audience: resource })
  await issuer.listen()
  return {
    issuer: issuer.issuer,
    async login(user, scope) {
      const sid = randomUUID()
      const claims = { sub: user, sid, azp: 'notes-cli', client_id: undefined, typ: 'Bearer', scope }
      const logoutClaims = {
        ...{ sub: user, sid, aud: 'notes-cli', client_id: undefined, scope: undefined, typ: 'Logout' },
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      }
      return {
        accessToken: issuer.mintToken(claims, { header: { typ: 'JWT' } }),
        async logout() {
          const logoutToken = issuer.mintToken(logoutClaims, { header: { typ: 'logout+jwt' } })
          const body = new URLSearchParams({ logout_token: logoutToken })
          const { status } = await fetch(logoutUrl, { method: 'POST', body })
          if (status !== 200) throw new Error(`the logout was answered with ${status}`)
        },
      }
    },
    close: () => issuer.close(),
  }
}
