import { InvalidTokenError } from '../../errors/index.js'
import type { CompactJws } from '../../jws/compact-jws.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'
import { invalidClaim, missingClaim, numericDate, textClaim } from '../token/claim-values.js'
import { readJoseHeader } from '../token/jose-header.js'
import type { TokenRules } from '../token/token-rules.js'
import { verifySignature } from '../token/verify-signature.js'

/** A verified logout token. At least one of `sub` and `sid` is there. */
export interface LogoutToken {
  readonly jti: string
  readonly sub: string | undefined
  readonly sid: string | undefined
  /** In seconds. */
  readonly issuedAt: number
  /** Refused from then on, leeway included. */
  readonly validUntilMs: number
}

/** What a logout token must be. */
export interface LogoutRules extends Pick<TokenRules, 'algorithms' | 'keys' | 'clockToleranceMs'> {
  /** What `aud` must name one of: the client identifiers of this server. */
  readonly audiences: readonly string[]
  /** Whether `exp` may be absent: the token is then good for 2 minutes after its `iat`. */
  readonly expMayLack: boolean
}

const maxAgeWithoutExpMs = 120_000
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'
const acceptedTypes: ReadonlySet<string | null> = new Set(['logout+jwt', 'jwt', null])

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6): type (absent and `JWT` tolerated),
 * algorithm, signature by a key of the issuer, `aud`, `iat`, `exp` (the age, where it may lack), `jti`, `sub` or
 * `sid`, the logout event, no `nonce`. The caller has compared `iss`, and still has to see to it that no token is used
 * twice.
 *
 * @throws {@link InvalidTokenError} with the code of the first rule that fails.
 * @throws {@link UnavailableError} when the issuer's keys cannot be had.
 */
export async function verifyLogoutToken(jws: CompactJws, rules: LogoutRules, nowMs: number): Promise<LogoutToken> {
  const header = readJoseHeader(jws.headerSegment)
  if (!acceptedTypes.has(header.typ)) throw new InvalidTokenError('ERR_TOKEN_TYPE')
  if (!rules.algorithms.has(header.alg)) throw new InvalidTokenError('ERR_TOKEN_ALGORITHM')
  await verifySignature(jws, header, rules.keys)
  return readLogoutClaims(jws.payload, rules, nowMs)
}

function readLogoutClaims(claims: JsonObject, rules: LogoutRules, nowMs: number): LogoutToken {
  checkKind(claims)
  checkAudience(ownMember(claims, 'aud'), rules.audiences)
  const { clockToleranceMs } = rules
  const issuedAt = numericDate(claims, 'iat') ?? missingClaim('iat')
  const validUntilMs = readEnd(claims, issuedAt, rules)
  if (nowMs < issuedAt * 1000 - clockToleranceMs) throw new InvalidTokenError('ERR_TOKEN_NOT_YET_VALID')
  if (nowMs >= validUntilMs) throw new InvalidTokenError('ERR_TOKEN_EXPIRED')
  const jti = textClaim(claims, 'jti') ?? missingClaim('jti')
  const sub = textClaim(claims, 'sub')
  const sid = textClaim(claims, 'sid')
  if (sub === undefined && sid === undefined) missingClaim('sub or sid')
  return { jti, sub, sid, issuedAt, validUntilMs }
}

/** Without `exp` there is no leeway at the end. An age of exactly 2 minutes is still accepted. */
function readEnd(claims: JsonObject, issuedAt: number, { expMayLack, clockToleranceMs }: LogoutRules): number {
  const exp = numericDate(claims, 'exp')
  if (exp !== undefined) return exp * 1000 + clockToleranceMs
  return expMayLack ? issuedAt * 1000 + maxAgeWithoutExpMs + 1 : missingClaim('exp')
}

/** Nothing but a logout token has the event, and an ID token has a `nonce`. */
function checkKind(claims: JsonObject): void {
  const events = ownMember(claims, 'events') ?? missingClaim('events')
  if (!isJsonObject(events) || !isJsonObject(ownMember(events, logoutEvent))) invalidClaim('events')
  if (Object.hasOwn(claims, 'nonce')) invalidClaim('nonce')
}

function checkAudience(aud: unknown, accepted: readonly string[]): void {
  const named = typeof aud === 'string' ? [aud] : aud
  if (!isStringArray(named) || !named.some((one) => accepted.includes(one))) {
    throw new InvalidTokenError('ERR_TOKEN_AUDIENCE')
  }
}
