import { createDpopClient } from 'portcullis/testing'
import { scopes } from '../api.js'
import { passed, refusal } from '../calls.js'
import { expectEqual } from '../report.js'
import type { Stage } from './stage.js'

/** A token bound to the key of its client (DPoP, RFC 9449). */
export async function showBoundToken({ report, api, authorizationServer, call }: Stage): Promise<void> {
  const client = createDpopClient()
  const url = `${api.resource}/me`
  let accessToken = ''
  let proven: Record<string, string> = {}

  await report.step('A token bound to a key is refused as a plain bearer token', async () => {
    const request = { resource: api.resource, scope: scopes.profile, subject: 'alice', dpop: client }
    const answer = await authorizationServer.getUserToken(request)
    expectEqual('token_type', answer.token_type, 'DPoP')
    accessToken = answer.access_token
    return refusal('GET /api/me', await call('GET', '/api/me', accessToken), 401, 'invalid_token')
  })

  await report.step('With a proof of the key (DPoP) it goes through', async () => {
    proven = client.headers({ url, accessToken })
    const { cnf } = await passed(await call('GET', '/api/me', accessToken, proven))
    return ['GET /api/me with Authorization: DPoP … and DPoP: … → 200', JSON.stringify({ cnf })]
  })

  await report.step('The same proof a second time is refused: it was recorded', async () =>
    refusal('GET /api/me', await call('GET', '/api/me', accessToken, proven), 401, 'invalid_dpop_proof'),
  )
}
