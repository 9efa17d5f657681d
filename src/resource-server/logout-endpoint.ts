/** The endpoint for logout tokens of the server's issuers. Does NOT end a session of the application. */
import { ConfigurationError, InvalidTokenError } from '../errors/index.js'
import { isForm } from '../http/form-body.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import { type LogoutToken, verifyLogoutToken } from '../issuer/logout-token.js'
import { maxTokenLength, readCompactJws } from '../jws/compact-jws.js'
import type { Clock } from '../kit/clock.js'
import { isJsonObject, ownMember } from '../kit/json.js'
import { type BackchannelLogoutSettings, createBackchannelLogout } from '../revocation/backchannel-logout.js'
import type { IssuerRegistry } from './token/token-verifier.js'

/**
 * Makes the endpoint that authorization servers call when a session ends (OpenID Connect Back-Channel Logout 1.0). 405 for
 * another method than POST. Rejects where nothing parsed the form, too.
 */
export function createLogoutEndpoint(
  settings: BackchannelLogoutSettings,
  issuers: IssuerRegistry,
): (request: RequestFacts) => Promise<HttpAnswer> {
  const logout = createBackchannelLogout(settings)
  return async (request) => {
    if (request.method === 'POST') return logout(async () => verify(issuers, readToken(request), settings.clock))
    return { status: 405, headers: { 'Cache-Control': 'no-store', Allow: 'POST' }, body: '' }
  }
}

async function verify(issuers: IssuerRegistry, text: string, clock: Clock): Promise<LogoutToken> {
  const jws = readCompactJws(text)
  const iss = jws && ownMember(jws.payload, 'iss')
  const issuer = typeof iss === 'string' ? await issuers.find(iss) : undefined
  if (jws === undefined || issuer === undefined) throw new InvalidTokenError('ERR_TOKEN_ISSUER')
  const { logoutAudiences, optionalLogoutClaims } = issuer.settings
  if (logoutAudiences.length === 0) throw new InvalidTokenError('ERR_TOKEN_AUDIENCE', { detail: 'no logoutAudience' })
  const rules = { ...issuer, audiences: logoutAudiences, expMayLack: optionalLogoutClaims.includes('exp') }
  return verifyLogoutToken(jws, rules, clock())
}

const unparsedForm =
  'Nothing parsed the form of a request to `backchannelLogout`: mount a body parser for application/x-www-form-urlencoded before it, or give `formBody`.'

function readToken(request: RequestFacts): string {
  const form: unknown = request.formBody?.()
  if (!isJsonObject(form) && isForm(request)) throw new ConfigurationError(unparsedForm)
  const token = isJsonObject(form) ? ownMember(form, 'logout_token') : undefined
  if (typeof token !== 'string') throw new InvalidTokenError('ERR_TOKEN_MALFORMED', { detail: 'no logout_token' })
  if (token.length > maxTokenLength) throw new InvalidTokenError('ERR_TOKEN_TOO_LARGE')
  return token
}
