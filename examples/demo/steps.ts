import { decodeJwt } from 'jose'
import type { AuthorizationServer } from '../support/authorization-server.js'
import { type Api, scopes } from './api.js'
import { caller, parameter, passed, pick, refusal } from './calls.js'
import { expectEqual, type Report } from './report.js'
import { showBoundToken } from './steps/bound-token.js'
import { showCertificate } from './steps/certificate.js'
import { showDelegation } from './steps/delegation.js'
import { showOpaqueToken } from './steps/opaque-token.js'
import { showStepUp } from './steps/step-up.js'
import { startTraffic } from './traffic.js'

/** A resource the API is not. */
export const elsewhere = 'https://elsewhere.example.com'

/** Shows, one after the other, what the gate does. */
export async function runSteps(report: Report, api: Api, authorizationServer: AuthorizationServer): Promise<void> {
  const call = caller(new URL(api.resource).origin)
  const stage = { report, api, authorizationServer, call }
  const userToken = async (resource = api.resource) => {
    const answer = await authorizationServer.getUserToken({ resource, scope: scopes.profile, subject: 'alice' })
    return answer.access_token
  }
  let metadataUrl = ''
  let token = ''

  await report.step('A request without a token is told where to get one', async () => {
    const response = await call('GET', '/api/me')
    await response.body?.cancel()
    metadataUrl = parameter(response, 'resource_metadata')
    expectEqual('status', response.status, 401)
    expectEqual('error', parameter(response, 'error'), '')
    return ['GET /api/me → 401', `WWW-Authenticate: Bearer resource_metadata="${metadataUrl}"`]
  })

  await report.step('The metadata document leads to the authorization server', async () => {
    const document = await passed(await fetch(metadataUrl))
    expectEqual('resource', document['resource'], api.resource)
    expectEqual('authorization_servers', String(document['authorization_servers']), authorizationServer.issuer)
    return [
      `GET ${new URL(metadataUrl).pathname} → 200`,
      JSON.stringify(pick(document, ['resource', 'authorization_servers'])),
    ]
  })

  await report.step('A user signs in: authorization code with PKCE, for this resource', async () => {
    token = await userToken()
    return [`${token.slice(0, 40)}…`, JSON.stringify(pick(decodeJwt(token), ['sub', 'aud', 'scope']))]
  })

  await report.step('With the token the request goes through, and the handler has its claims', async () => {
    const claims = await passed(await call('GET', '/api/me', token))
    expectEqual('sub', claims['sub'], 'alice')
    return ['GET /api/me → 200', JSON.stringify(pick(claims, ['sub', 'client_id', 'scope']))]
  })

  await report.step('A token for another audience is refused', async () =>
    refusal('GET /api/me', await call('GET', '/api/me', await userToken(elsewhere)), 401, 'invalid_token'),
  )

  await report.step('A token that lacks a scope is refused, and the scope is named', async () => {
    const response = await call('POST', '/api/reports', token)
    expectEqual('scope', parameter(response, 'scope'), scopes.reports)
    return refusal('POST /api/reports', response, 403, 'insufficient_scope', ['scope'])
  })

  await report.step('A token that was tampered with is refused', async () =>
    refusal('GET /api/me', await call('GET', '/api/me', promoted(token)), 401, 'invalid_token'),
  )

  await showBoundToken(stage)
  await showCertificate(stage)
  await showOpaqueToken(stage)
  await showStepUp(stage)
  await showDelegation(stage)

  await report.step('Keys rotate under traffic, and no request fails', async () => {
    const traffic = startTraffic(`${api.resource}/me`, token)
    await traffic.flow(1200)
    await authorizationServer.rotateKeys()
    traffic.add(await userToken())
    await traffic.flow(300)
    const { requests, failures } = await traffic.stop()
    expectEqual('failed requests', failures, 0)
    return [`${requests} requests, ${failures} failed; ${authorizationServer.publishedKeys().length} keys published`]
  })

  await report.step('The authorization server goes down, and tokens are still verified', async () => {
    const unseen = await userToken()
    await authorizationServer.stop()
    await expectUnreachable(authorizationServer.issuer)
    await passed(await call('GET', '/api/me', unseen))
    return ['GET /api/me with a token never seen before → 200, from the cached keys']
  })
}

/** The token with a scope its issuer never granted, under the signature it had. */
function promoted(token: string): string {
  const [header, , signature] = token.split('.')
  const claims = { ...decodeJwt(token), scope: `${scopes.profile} ${scopes.reports}` }
  return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
}

async function expectUnreachable(url: string): Promise<void> {
  const reachable = await fetch(url).then(
    () => true,
    () => false,
  )
  expectEqual('authorization server reachable', reachable, false)
}
