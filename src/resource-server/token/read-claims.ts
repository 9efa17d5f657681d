import type { Actor, VerifiedToken } from '../../auth/auth.js'
import { type InvalidTokenCode, InvalidTokenError } from '../../errors/index.js'
import { dateIn, invalidClaim, missingClaim, ownClaims, textIn } from '../../jws/compact-jws.js'
import type { VerificationKey } from '../../jws/verification-key.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'
import { firstClaim, readRoles, readScopes } from './claim-paths.js'
import type { ClaimProfileSettings } from './claim-profile.js'

/** How the claims of one issuer's tokens are judged. */
export interface ClaimSettings {
  readonly profile: ClaimProfileSettings
  /**
   * Claims that may be absent: `exp` and `sub` only where introspection vouches for the token, `aud` where something else
   * stands for it as well.
   */
  readonly optionalClaims: ReadonlySet<string>
  readonly clockToleranceMs: number
  readonly maxTokenAgeMs: number | undefined
}

/** A verified token with what a later use of the same token must check again. */
export interface VerifiedEntry extends Omit<VerifiedToken, 'claims' | 'confirmation'> {
  /** The claims as they stand in the token, frozen. */
  readonly tokenClaims: JsonObject
  /** What `auth.claims` will be: the output of the claims schema, or the claims themselves. Set once. */
  claims: unknown
  /** `undefined` only where the rules let `aud` be absent. */
  readonly audience: string | readonly string[] | undefined
  /** Accepted from this time on, leeway included. */
  readonly validFromMs: number
  /** Accepted before this time, leeway included. */
  readonly validUntilMs: number
  /** The key that signed; `undefined` for an introspected token. */
  readonly key: VerificationKey | undefined
}

/**
 * Judges the claims of a token whose origin is established, and reads out what a request needs (RFC 7519 §4.1, RFC 9068
 * §2.2 and §4). The caller has frozen them and bounded their depth. Checks type and presence of every registered claim
 * and all times; does NOT compare the audience, which depends on the route, nor judge `cnf`, which depends on the
 * request. Where `sub` is absent, what the profile names stands in for it, else the client where the rules let `sub` be absent.
 *
 * @throws {@link InvalidTokenError} with the code of the first rule that fails.
 */
export function readClaims(
  { issuer, key }: Pick<VerifiedEntry, 'issuer' | 'key'>,
  claims: JsonObject,
  rules: ClaimSettings,
  nowMs: number,
): VerifiedEntry {
  const { profile, optionalClaims } = rules
  const own = ownClaims(claims)
  const { expiresAt, validFromMs, validUntilMs } = readValidity(own, rules, nowMs)
  const clientId = readClientId(claims, profile)
  const subject =
    readSubject(claims, own.sub, profile) ?? (optionalClaims.has('sub') ? clientId : undefined) ?? missingClaim('sub')
  if (clientId === undefined && !optionalClaims.has('client_id')) missingClaim('client_id')
  if (textIn(own.jti, 'jti') === undefined && !optionalClaims.has('jti')) missingClaim('jti')
  if (!isDetails(own.authorization_details)) invalidClaim('authorization_details')
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
    actor: readActors(own),
    isClientToken: tellClientToken(subject, clientId, claims, profile),
    audience: readAudience(own.aud, optionalClaims),
    validFromMs,
    validUntilMs,
    key,
  }
}

type OwnClaims = ReturnType<typeof ownClaims>

function readClientId(claims: JsonObject, profile: ClaimProfileSettings): string | undefined {
  const value = firstClaim(claims, profile.clientId)
  return value === undefined || (typeof value === 'string' && value !== '') ? value : invalidClaim('client_id')
}

function readSubject(claims: JsonObject, sub: unknown, { subjectStandIn }: ClaimProfileSettings): string | undefined {
  const absent = sub === undefined || sub === ''
  if (subjectStandIn.length === 0 || !absent) return textIn(sub, 'sub')
  const value = firstClaim(claims, subjectStandIn)
  return value === undefined || (typeof value === 'string' && value !== '') ? value : invalidClaim('sub')
}

/** `undefined` where nothing tells: a `sub` that is not the client may still be a name of the client (RFC 9068 §2.2). */
function tellClientToken(
  subject: string,
  clientId: string | undefined,
  claims: JsonObject,
  profile: ClaimProfileSettings,
): boolean | undefined {
  if (subject === clientId || profile.clientToken?.(claims)) return true
  return profile.userToken?.(claims) ? false : undefined
}

function readTenant(claims: JsonObject, profile: ClaimProfileSettings): string | undefined {
  const value = firstClaim(claims, profile.tenant)
  return value === undefined || typeof value === 'string' ? value : invalidClaim('tenant')
}

function readActors({ act, may_act }: OwnClaims): Actor | undefined {
  if (!isReadableMayAct(may_act)) invalidClaim('may_act')
  const actor = readActor(act)
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

/** When a token may be used, leeway included. */
export interface Validity {
  /** `exp`, in seconds; `undefined` only where the rules let it be absent. */
  readonly expiresAt: number | undefined
  readonly validFromMs: number
  readonly validUntilMs: number
}

/**
 * Reads `exp`, `nbf` and `iat` and holds them against the time (RFC 7519 §4.1.4 to §4.1.6). `exp` and `iat` are required
 * unless the rules relax them.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_EXPIRED`, `ERR_TOKEN_TOO_OLD`, `ERR_TOKEN_NOT_YET_VALID`, or for a claim
 * that is absent or no number.
 */
function readValidity(own: OwnClaims, rules: ClaimSettings, nowMs: number): Validity {
  const { clockToleranceMs, maxTokenAgeMs, optionalClaims } = rules
  const expiresAt = readDate(own.exp, 'exp', optionalClaims.has('exp'))
  const nbf = dateIn(own.nbf, 'nbf') ?? 0
  const iat = readDate(own.iat, 'iat', maxTokenAgeMs === undefined && optionalClaims.has('iat'))

  const validFromMs = Math.max(nbf, iat ?? 0) * 1000 - clockToleranceMs
  const expiresAtMs = (expiresAt ?? Number.POSITIVE_INFINITY) * 1000 + clockToleranceMs
  const tooOldAtMs = (iat ?? 0) * 1000 + (maxTokenAgeMs ?? Number.POSITIVE_INFINITY) + clockToleranceMs
  // Written so that a clock that gives NaN lets nothing pass.
  if (!(nowMs < expiresAtMs)) throw outOfTime('ERR_TOKEN_EXPIRED', 'before', expiresAtMs, nowMs)
  if (!(nowMs < tooOldAtMs)) throw outOfTime('ERR_TOKEN_TOO_OLD', 'before', tooOldAtMs, nowMs)
  if (nowMs < validFromMs) throw outOfTime('ERR_TOKEN_NOT_YET_VALID', 'from', validFromMs, nowMs)
  return { expiresAt, validFromMs, validUntilMs: Math.min(expiresAtMs, tooOldAtMs) }
}

function readDate(value: unknown, name: string, mayLack: boolean): number | undefined {
  return dateIn(value, name) ?? (mayLack ? undefined : missingClaim(name))
}

/** Times are the limit, leeway included, and the clock of this server. */
function outOfTime(code: InvalidTokenCode, word: string, limitMs: number, nowMs: number): InvalidTokenError {
  return new InvalidTokenError(code, { expected: `${word} ${utc(limitMs)}`, received: utc(nowMs) })
}

function utc(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms)
}

const maxActorDepth = 8

/**
 * Reads an `act` claim (RFC 8693 §4.1): who acts for the subject, earlier actors nested inside. `null` when it is
 * malformed or nests deeper than 8: such a token must be refused. `exp`, `nbf` and `aud` inside it mean nothing.
 * @internal
 */
export function readActor(value: unknown, depth = 1): Actor | undefined | null {
  if (value === undefined) return undefined
  if (!isJsonObject(value) || depth > maxActorDepth) return null
  const sub = ownMember(value, 'sub')
  const iss = ownMember(value, 'iss')
  if (typeof sub !== 'string' || sub === '' || (iss !== undefined && typeof iss !== 'string')) return null
  const act = readActor(ownMember(value, 'act'), depth + 1)
  if (act === null) return null
  return Object.freeze({ sub, ...(iss !== undefined && { iss }), ...(act !== undefined && { act }) })
}

/** Whether a `may_act` claim is usable: absent, or an object with a string `sub` (RFC 8693 §4.4). @internal */
export function isReadableMayAct(value: unknown): boolean {
  if (value === undefined) return true
  return isJsonObject(value) && typeof ownMember(value, 'sub') === 'string'
}
