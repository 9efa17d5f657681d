import { type JsonObject, ownMember } from '../../kit/json.js'

/** What a route demands of the user's authentication (RFC 9470). */
export interface AuthenticationDemand {
  readonly acrValues: readonly string[] | undefined
  readonly maxAgeSeconds: number | undefined
}

/**
 * Whether the authentication behind a token is strong and recent enough: `acr` is one of the accepted values, exactly;
 * `auth_time` is there and at most `maxAgeSeconds` ago, plus leeway (RFC 9470 §6). Levels have no order; a time ahead of
 * ours beyond the leeway is no time of an authentication.
 */
export function isAuthenticatedWell(
  claims: JsonObject,
  demand: AuthenticationDemand,
  nowMs: number,
  clockToleranceMs: number,
): boolean {
  return hasAcr(claims, demand.acrValues) && isRecent(claims, demand.maxAgeSeconds, nowMs, clockToleranceMs)
}

function hasAcr(claims: JsonObject, accepted: readonly string[] | undefined): boolean {
  if (accepted === undefined) return true
  const acr = ownMember(claims, 'acr')
  return typeof acr === 'string' && accepted.includes(acr)
}

function isRecent(claims: JsonObject, maxAgeSeconds: number | undefined, nowMs: number, toleranceMs: number): boolean {
  if (maxAgeSeconds === undefined) return true
  const authTime = ownMember(claims, 'auth_time')
  if (typeof authTime !== 'number') return false
  const ageMs = nowMs - authTime * 1000
  return ageMs >= -toleranceMs && ageMs <= maxAgeSeconds * 1000 + toleranceMs
}
