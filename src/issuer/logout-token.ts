/** Logout tokens (OpenID Connect Back-Channel Logout 1.0): what makes one good. Ends nothing. */
import { InvalidTokenError } from '../errors/index.js'
import { type CompactJws, invalidClaim, missingClaim, numericDate, textClaim } from '../jws/compact-jws.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../kit/json.js'
import { type Rule, takes } from '../kit/options.js'
import type { KeySource } from './key-source.js'
import { readJoseHeader, verifySignature } from './verify-signature.js'

/** A verified logout token. At least one of `sub` and `sid` is there. @group ID tokens */
export interface LogoutToken {
  readonly issuer: string
  readonly jti: string
  readonly sub: string | undefined
  readonly sid: string | undefined
  /** In seconds since the Unix epoch, by the clock of the issuer. */
  readonly issuedAt: number
  /** Refused from then on, leeway included; in milliseconds. */
  readonly validUntilMs: number
}

/** What a logout token must be. */
export interface LogoutTokenRules {
  /** Who made it, as `iss` says; the caller has compared it. */
  readonly issuer: string
  readonly algorithms: ReadonlySet<string>
  readonly keys: KeySource
  readonly clockToleranceMs: number
  /** What `aud` must name one of: the client identifiers of this server. */
  readonly audiences: readonly string[]
  /** Whether `exp` may be absent: the token is then good for 2 minutes after its `iat`. */
  readonly expMayLack: boolean
}

/** What an option may name that says which claims a logout token may lack. */
export const optionalLogoutClaims: Rule = takes(
  (value) => Array.isArray(value) && value.every((claim) => claim === 'exp'),
  'a list of exp only: a token without iss, aud, iat or jti is never accepted',
)

const maxAgeWithoutExpMs = 120_000

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

const acceptedTypes: ReadonlySet<string | null> = new Set(['logout+jwt', 'jwt', null])

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6): type (absent and `JWT` tolerated),
 * algorithm, signature by a key of the issuer, `aud`, `iat`, `exp` (the age, where it may be absent), `jti`, `sub` or
 * `sid`, the logout event, no `nonce`. The caller has compared `iss`, and still has to see to it that no token is used
 * twice.
 *
 * @throws {@link InvalidTokenError} with the code of the first rule that fails.
 * @throws {@link UnavailableError} when the issuer's keys cannot be had.
 */
export async function verifyLogoutToken(jws: CompactJws, rules: LogoutTokenRules, nowMs: number): Promise<LogoutToken> {
  const header = readJoseHeader(jws.headerSegment)
  if (!acceptedTypes.has(header.typ)) throw new InvalidTokenError('ERR_TOKEN_TYPE')
  if (!rules.algorithms.has(header.alg)) throw new InvalidTokenError('ERR_TOKEN_ALGORITHM')
  await verifySignature(jws, header, rules.keys)
  return readLogoutClaims(jws.payload, rules, nowMs)
}

function readLogoutClaims(claims: JsonObject, rules: LogoutTokenRules, nowMs: number): LogoutToken {
  checkLogoutKind(claims)
  checkLogoutAudience(ownMember(claims, 'aud'), rules.audiences)
  const { issuer, clockToleranceMs } = rules
  const issuedAt = numericDate(claims, 'iat') ?? missingClaim('iat')
  const validUntilMs = readEnd(claims, issuedAt, rules)
  if (nowMs < issuedAt * 1000 - clockToleranceMs) throw new InvalidTokenError('ERR_TOKEN_NOT_YET_VALID')
  if (nowMs >= validUntilMs) throw new InvalidTokenError('ERR_TOKEN_EXPIRED')
  const jti = textClaim(claims, 'jti') ?? missingClaim('jti')
  const sub = textClaim(claims, 'sub')
  const sid = textClaim(claims, 'sid')
  if (sub === undefined && sid === undefined) missingClaim('sub or sid')
  return { issuer, jti, sub, sid, issuedAt, validUntilMs }
}

/** Without `exp` there is no leeway at the end. An age of exactly 2 minutes is still accepted. */
function readEnd(claims: JsonObject, issuedAt: number, { expMayLack, clockToleranceMs }: LogoutTokenRules): number {
  const exp = numericDate(claims, 'exp')
  if (exp !== undefined) return exp * 1000 + clockToleranceMs
  return expMayLack ? issuedAt * 1000 + maxAgeWithoutExpMs + 1 : missingClaim('exp')
}

/** Nothing but a logout token has the event, and an ID token has a `nonce`. */
function checkLogoutKind(claims: JsonObject): void {
  const events = ownMember(claims, 'events') ?? missingClaim('events')
  if (!isJsonObject(events) || !isJsonObject(ownMember(events, logoutEvent))) invalidClaim('events')
  if (Object.hasOwn(claims, 'nonce')) invalidClaim('nonce')
}

function checkLogoutAudience(aud: unknown, accepted: readonly string[]): void {
  const named = typeof aud === 'string' ? [aud] : aud
  if (!isStringArray(named) || !named.some((one) => accepted.includes(one))) {
    throw new InvalidTokenError('ERR_TOKEN_AUDIENCE')
  }
}
