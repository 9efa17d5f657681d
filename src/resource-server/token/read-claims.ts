import type { Actor } from '../../auth/auth.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'
import { isReadableMayAct, readActor } from './actor.js'
import { firstClaim, type ResolvedClaimProfile, readRoles, readScopes } from './claim-profile.js'
import { invalidClaim, missingClaim, textClaim } from './claim-values.js'
import { readValidity } from './read-validity.js'
import type { ClaimRules, VerifiedEntry } from './token-rules.js'

/**
 * Judges the claims of a token whose origin is established, and reads out what a request needs (RFC 7519 §4.1, RFC 9068
 * §2.2 and §4). The caller has frozen them and bounded their depth. Checks type and presence of every registered claim
 * and all times; does NOT compare the audience, which depends on the route, nor judge `cnf`, which depends on the
 * request. Where `sub` is absent, what the profile names stands in for it, else the client where the rules let `sub` lack.
 *
 * @throws {@link InvalidTokenError} with the code of the first rule that fails.
 */
export function readClaims(
  { issuer, key }: Pick<VerifiedEntry, 'issuer' | 'key'>,
  claims: JsonObject,
  rules: ClaimRules,
  nowMs: number,
): VerifiedEntry {
  const { profile, optionalClaims } = rules
  const { expiresAt, validFromMs, validUntilMs } = readValidity(claims, rules, nowMs)
  const clientId = readClientId(claims, profile)
  const subject =
    readSubject(claims, profile) ?? (optionalClaims.has('sub') ? clientId : undefined) ?? missingClaim('sub')
  if (clientId === undefined && !optionalClaims.has('client_id')) missingClaim('client_id')
  if (textClaim(claims, 'jti') === undefined && !optionalClaims.has('jti')) missingClaim('jti')
  if (!isDetails(ownMember(claims, 'authorization_details'))) invalidClaim('authorization_details')
  return {
    issuer,
    subject,
    clientId,
    scopes: readScopes(firstClaim(claims, profile.scope)) ?? invalidClaim('scope'),
    roles: readRoles(claims, profile.roles),
    tenant: readTenant(claims, profile),
    tokenClaims: claims,
    claims,
    expiresAt,
    actor: readActors(claims),
    isClientToken: tellClientToken(subject, clientId, claims, profile),
    audience: readAudience(ownMember(claims, 'aud'), optionalClaims),
    validFromMs,
    validUntilMs,
    key,
  }
}

function readClientId(claims: JsonObject, profile: ResolvedClaimProfile): string | undefined {
  const value = firstClaim(claims, profile.clientId)
  return value === undefined || (typeof value === 'string' && value !== '') ? value : invalidClaim('client_id')
}

function readSubject(claims: JsonObject, { subjectStandIn }: ResolvedClaimProfile): string | undefined {
  const sub = ownMember(claims, 'sub')
  const absent = sub === undefined || sub === ''
  if (subjectStandIn.length === 0 || !absent) return textClaim(claims, 'sub')
  const value = firstClaim(claims, subjectStandIn)
  return value === undefined || (typeof value === 'string' && value !== '') ? value : invalidClaim('sub')
}

/** `undefined` where nothing tells: a `sub` that is not the client may still be a name of the client (RFC 9068 §2.2). */
function tellClientToken(
  subject: string,
  clientId: string | undefined,
  claims: JsonObject,
  profile: ResolvedClaimProfile,
): boolean | undefined {
  if (subject === clientId || profile.clientToken(claims)) return true
  return profile.userToken(claims) ? false : undefined
}

function readTenant(claims: JsonObject, profile: ResolvedClaimProfile): string | undefined {
  const value = firstClaim(claims, profile.tenant)
  return value === undefined || typeof value === 'string' ? value : invalidClaim('tenant')
}

function readActors(claims: JsonObject): Actor | undefined {
  if (!isReadableMayAct(ownMember(claims, 'may_act'))) invalidClaim('may_act')
  const actor = readActor(ownMember(claims, 'act'))
  return actor === null ? invalidClaim('act') : actor
}

function readAudience(aud: unknown, optionalClaims: ReadonlySet<string>): VerifiedEntry['audience'] {
  if (aud === undefined || (Array.isArray(aud) && aud.length === 0)) {
    return optionalClaims.has('aud') ? undefined : missingClaim('aud')
  }
  if (typeof aud === 'string') return aud
  return isStringArray(aud) ? aud : invalidClaim('aud')
}

function isDetails(value: unknown): boolean {
  if (value === undefined) return true
  return Array.isArray(value) && value.every((item) => isJsonObject(item) && typeof item['type'] === 'string')
}
