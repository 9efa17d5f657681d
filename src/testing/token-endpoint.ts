import { isJsonObject, type JsonObject, parseJsonObject } from '../kit/json.js'
import { type IssuerAnswer, jsonAnswer } from './endpoint-controls.js'
import type { EndpointRequest } from './issuer-endpoints.js'
import { jwkThumbprint } from './key-ring.js'

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** What the token endpoint asks of its issuer. */
export interface TokenEndpointSettings {
  readonly clientId: string
  readonly lifetimeSeconds: number
  readonly find: (token: string) => JsonObject | undefined
  readonly mint: (claims: JsonObject) => string
}

/**
 * Issues tokens for client credentials (RFC 6749 §4.4) and by token exchange (RFC 8693): for the `resource` or
 * `audience` asked for, with the scope asked for, bound to the key of the DPoP proof that came along. Judges neither
 * scope, target nor proof; use an override for a refusal.
 */
export function tokenAnswer(request: EndpointRequest, settings: TokenEndpointSettings): IssuerAnswer {
  const form = new URLSearchParams(request.body)
  switch (form.get('grant_type')) {
    case 'client_credentials':
      return issue(request, form, settings, { sub: settings.clientId })
    case tokenExchange:
      return exchange(request, form, settings)
    default:
      return jsonAnswer(400, { error: 'unsupported_grant_type' })
  }
}

function exchange(request: EndpointRequest, form: URLSearchParams, settings: TokenEndpointSettings): IssuerAnswer {
  const subject = settings.find(form.get('subject_token') ?? '')
  if (subject === undefined) return jsonAnswer(400, { error: 'invalid_request' })
  const { act } = subject
  const actor = { sub: settings.clientId, ...(isJsonObject(act) && { act }) }
  return issue(request, form, settings, { sub: subject['sub'], scope: subject['scope'], act: actor })
}

function issue(
  request: EndpointRequest,
  form: URLSearchParams,
  settings: TokenEndpointSettings,
  claims: JsonObject,
): IssuerAnswer {
  const targets = [...form.getAll('resource'), ...form.getAll('audience')]
  const scope = form.get('scope') ?? claims['scope']
  const jkt = proofThumbprint(request.headers['dpop'])
  const accessToken = settings.mint({
    ...claims,
    client_id: settings.clientId,
    ...(targets.length > 0 && { aud: targets.length === 1 ? targets[0] : targets }),
    ...(scope !== undefined && { scope }),
    ...(jkt !== undefined && { cnf: { jkt } }),
  })
  const body = {
    access_token: accessToken,
    token_type: jkt === undefined ? 'Bearer' : 'DPoP',
    expires_in: settings.lifetimeSeconds,
    scope,
    ...(claims['act'] !== undefined && { issued_token_type: accessTokenType }),
  }
  return jsonAnswer(200, body, { 'cache-control': 'no-store' })
}

function proofThumbprint(proof: string | undefined): string | undefined {
  const header = parseJsonObject(Buffer.from(proof?.split('.')[0] ?? '', 'base64url').toString())
  const jwk = header?.['jwk']
  return isJsonObject(jwk) ? jwkThumbprint(jwk) : undefined
}
