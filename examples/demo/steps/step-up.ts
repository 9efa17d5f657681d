import { decodeJwt } from 'jose'
import { readChallenges, readStepUp } from 'portcullis/client'
import { scopes } from '../api.js'
import { passed, pick, refusal } from '../calls.js'
import type { Stage } from './stage.js'

/** A route that wants more of the user's authentication than the token can show (RFC 9470). */
export async function showStepUp({ report, api, authorizationServer, call }: Stage): Promise<void> {
  await report.step('A route that needs a second factor says so, and the user steps up', async () => {
    const request = { resource: api.resource, scope: scopes.profile, subject: 'alice' }
    const { access_token: weak } = await authorizationServer.getUserToken(request)
    const response = await call('GET', '/api/keys', weak)
    const named = ['acr_values', 'max_age']
    const lines = await refusal('GET /api/keys', response, 401, 'insufficient_user_authentication', named)

    const { acrValues = [], maxAgeSeconds = 0 } = readStepUp(readChallenges(response.headers)) ?? {}
    const { access_token: strong } = await authorizationServer.getUserToken({
      ...request,
      acrValues: acrValues.join(' '),
      maxAgeSeconds,
    })
    await passed(await call('GET', '/api/keys', strong))
    return [...lines, `after signing in again → 200 ${JSON.stringify(pick(decodeJwt(strong), ['acr', 'auth_time']))}`]
  })
}
