import { decodeJwt } from 'jose'
import { scopes } from '../api.js'
import { passed, pick, refusal } from '../calls.js'
import { expectEqual } from '../report.js'
import type { Stage } from './stage.js'

/** A call to another service for the user, with a token exchanged for the purpose (RFC 8693). */
export async function showDelegation({ report, api, authorizationServer, call }: Stage): Promise<void> {
  const request = { resource: api.resource, scope: scopes.profile, subject: 'alice' }
  const { access_token: token } = await authorizationServer.getUserToken(request)

  await report.step(
    'The API calls the calendar for the user, with a token of its own for that (token exchange)',
    async () => {
      const answer = await passed(await call('GET', '/api/agenda', token))
      expectEqual('subject', answer['of'], 'alice')
      expectEqual('actor', JSON.stringify(answer['act']), '{"sub":"gateway"}')
      return ['GET /api/agenda → GET /calendar/events → 200', JSON.stringify(answer)]
    },
  )

  await report.step('The calendar refuses the token the user has for the API', async () =>
    refusal('GET /calendar/events', await call('GET', '/calendar/events', token), 401, 'invalid_token'),
  )

  await report.step('And the API refuses the one for the calendar', async () => {
    const exchange = { subjectToken: token, resource: api.calendar }
    const { access_token: exchanged } = await authorizationServer.exchangeToken(exchange)
    await passed(await call('GET', '/calendar/events', exchanged))
    return [
      JSON.stringify(pick(decodeJwt(exchanged), ['sub', 'aud', 'act'])),
      ...(await refusal('GET /api/me', await call('GET', '/api/me', exchanged), 401, 'invalid_token')),
    ]
  })
}
