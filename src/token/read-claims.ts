import { InvalidTokenError } from '../errors/index.js'
import { freezeWithin, isStringArray, type JsonObject, ownMember } from '../lib/json.js'
import { isReadableMayAct, readActor } from './actor.js'
import { firstClaim, readRoles, readScopes } from './claim-profile.js'
import type { ClaimRules, VerifiedEntry } from './token-rules.js'

const maxDepth = 32

/**
 * Judges the claims of a token whose origin is established, and reads out what a request needs (RFC 7519 §4.1, RFC 9068
 * §2.2 and §4). Freezes the claims. Checks type and presence of every registered claim and all times; does NOT compare
 * the audience, which depends on the route, nor judge `cnf`, which depends on the request.
 *
 * @throws {@link InvalidTokenError} with the code of the first rule that fails.
 */
export function readClaims(issuer: string, claims: JsonObject, rules: ClaimRules, nowMs: number): UnsignedEntry {
  if (!freezeWithin(claims, maxDepth)) invalid('depth')
  const { profile, clockToleranceMs, maxTokenAgeMs } = rules
  const exp = numericDate(claims, 'exp') ?? absent('exp')
  if (exp < 0) invalid('exp')
  const nbf = numericDate(claims, 'nbf')
  const iat = numericDate(claims, 'iat') ?? required(rules, 'iat', undefined)
  const subject = text(claims, 'sub') ?? absent('sub')
  required(rules, 'jti', text(claims, 'jti'))
  const clientId = required(rules, 'client_id', clientIdOf(claims, profile.clientId))

  const validFromMs = Math.max(nbf ?? 0, iat ?? 0) * 1000 - clockToleranceMs
  const expiresAtMs = exp * 1000 + clockToleranceMs
  const tooOldAtMs = maxTokenAgeMs === undefined ? expiresAtMs : oldestUse(iat, maxTokenAgeMs) + clockToleranceMs
  if (nowMs >= expiresAtMs) throw new InvalidTokenError('ERR_TOKEN_EXPIRED')
  if (nowMs >= tooOldAtMs) throw new InvalidTokenError('ERR_TOKEN_TOO_OLD')
  if (nowMs < validFromMs) throw new InvalidTokenError('ERR_TOKEN_NOT_YET_VALID')

  const actor = readActor(ownMember(claims, 'act'))
  if (actor === null) invalid('act')
  if (!isReadableMayAct(ownMember(claims, 'may_act'))) invalid('may_act')
  if (!isAuthorizationDetails(ownMember(claims, 'authorization_details'))) invalid('authorization_details')
  const tenant = firstClaim(claims, profile.tenant)
  return {
    issuer,
    subject,
    clientId,
    scopes: readScopes(firstClaim(claims, profile.scope), profile.scopeArrays) ?? invalid('scope'),
    roles: readRoles(firstClaim(claims, profile.roles)),
    tenant: typeof tenant === 'string' ? tenant : undefined,
    tokenClaims: claims,
    claims,
    expiresAt: exp,
    confirmation: undefined,
    actor,
    isClientToken: clientId !== undefined && subject === clientId,
    audience: audienceOf(claims),
    validFromMs,
    validUntilMs: Math.min(expiresAtMs, tooOldAtMs),
  }
}

/** What {@link readClaims} finds: an entry that no key vouches for yet. */
export type UnsignedEntry = Omit<VerifiedEntry, 'key'>

function invalid(claim: string): never {
  throw new InvalidTokenError('ERR_TOKEN_CLAIM_INVALID', { detail: claim })
}

function absent(claim: string): never {
  throw new InvalidTokenError('ERR_TOKEN_CLAIM_MISSING', { detail: claim })
}

function required<T>(rules: ClaimRules, claim: string, value: T | undefined): T | undefined {
  return value ?? (rules.optionalClaims.has(claim) ? undefined : absent(claim))
}

function numericDate(claims: JsonObject, name: string): number | undefined {
  const value = ownMember(claims, name)
  if (value === undefined) return undefined
  return typeof value === 'number' && Number.isFinite(value) ? value : invalid(name)
}

function text(claims: JsonObject, name: string): string | undefined {
  const value = ownMember(claims, name)
  if (value === undefined) return undefined
  return typeof value === 'string' && value !== '' ? value : invalid(name)
}

function clientIdOf(claims: JsonObject, names: readonly string[]): string | undefined {
  const value = firstClaim(claims, names)
  return value === undefined || typeof value === 'string' ? value : invalid('client_id')
}

function oldestUse(iat: number | undefined, maxTokenAgeMs: number): number {
  return (iat ?? absent('iat')) * 1000 + maxTokenAgeMs
}

function audienceOf(claims: JsonObject): readonly string[] {
  const aud = ownMember(claims, 'aud') ?? absent('aud')
  if (typeof aud === 'string') return [aud]
  return isStringArray(aud) && aud.length > 0 ? aud : invalid('aud')
}

function isAuthorizationDetails(value: unknown): boolean {
  if (value === undefined) return true
  return Array.isArray(value) && value.every((detail) => typeof (detail as JsonObject | null)?.['type'] === 'string')
}
