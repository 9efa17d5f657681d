/** How recent and how strong the sign-in of the user has to be (RFC 9470). */

import { ConfigurationError, StepUpRequiredError } from '../../errors/index.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import { checkValue, oneOrMore, toList } from '../../kit/options.js'
import type { Requirement, RequirementRule } from './requirement.js'
import { isScope, type ScopeRule } from './scope-expression.js'

/** The check of `acr` and `maxAgeSeconds` of a requirement (RFC 9470); `undefined` without them. The check throws {@link StepUpRequiredError}. */
export function authenticationRule(
  demand: AuthenticationDemand | undefined,
  scope: ScopeRule | undefined,
): RequirementRule | undefined {
  if (demand === undefined) return undefined
  return ({ tokenClaims, scopes }, nowMs, clockToleranceMs) => {
    if (isAuthenticatedWell(tokenClaims, demand, nowMs, clockToleranceMs)) return
    const lacking = scope?.isSatisfiedBy(scopes) === false ? scope.neededFrom(scopes).join(' ') : undefined
    throw new StepUpRequiredError({ ...demand, scope: lacking }, authenticationOf(tokenClaims, demand))
  }
}

function authenticationOf(claims: JsonObject, { acrValues = [], maxAgeSeconds }: AuthenticationDemand) {
  const age = maxAgeSeconds === undefined ? [] : [`max_age ${maxAgeSeconds}`]
  return {
    expected: [...acrValues.map((value) => `acr ${value}`), ...age],
    received: ['acr', 'auth_time'].map((name) => `${name} ${shownItem(ownMember(claims, name))}`),
  }
}

function shownItem(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : typeof value
}

/**
 * What a requirement demands of the sign-in of the user (RFC 9470 §3); `undefined` where it demands nothing.
 *
 * @throws {@link ConfigurationError} for a wrong value.
 */
export function compileAuthentication({ acr, maxAgeSeconds }: Requirement<never>): AuthenticationDemand | undefined {
  if (acr === undefined && maxAgeSeconds === undefined) return undefined
  checkValue('acr', acr, oneOrMore)
  const acrValues = acr === undefined ? undefined : toList(acr)
  if (acrValues?.every(isScope) === false) {
    throw new ConfigurationError('`acr` takes one value, or an array of values, without spaces (RFC 9470 §3).')
  }
  return {
    acrValues,
    maxAgeSeconds,
  }
}

/** What a route demands of the user's authentication (RFC 9470). */
export interface AuthenticationDemand {
  readonly acrValues: readonly string[] | undefined
  readonly maxAgeSeconds: number | undefined
}

/**
 * Whether the authentication behind a token is strong and recent enough: `acr` is one of the accepted values, exactly;
 * `auth_time` is there and at most `maxAgeSeconds` ago, plus leeway (RFC 9470 §6). Levels have no order; a time ahead of
 * ours beyond the leeway is not the time of an authentication.
 * @internal
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
