import { scopes } from '../api.js'
import { passed, pick, refusal } from '../calls.js'
import type { Stage } from './stage.js'

/** A token that says nothing by itself: its issuer is asked (RFC 7662). */
export async function showOpaqueToken({ report, api, authorizationServer, call }: Stage): Promise<void> {
  await report.step('An opaque token is introspected at its issuer', async () => {
    const request = { resource: api.vault, scope: scopes.secrets, subject: 'alice' }
    const { access_token: token } = await authorizationServer.getUserToken(request)
    const claims = await passed(await call('GET', '/vault/secret', token))
    const [refused = ''] = await refusal(
      'GET /vault/secret with one nobody issued',
      await call('GET', '/vault/secret', `${token}x`),
      401,
      'invalid_token',
    )
    return [
      `GET /vault/secret with ${token.slice(0, 12)}… → 200 ${JSON.stringify(pick(claims, ['sub', 'scope']))}`,
      refused,
    ]
  })
}
