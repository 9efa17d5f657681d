import { type InvalidTokenCode, InvalidTokenError } from '../../errors/index.js'
import type { JsonObject } from '../../kit/json.js'
import { missingClaim, numericDate } from './claim-values.js'
import type { ClaimRules } from './token-rules.js'

/** When a token may be used, leeway included. */
export interface Validity {
  /** `exp`, in seconds; `undefined` only where the rules let it lack. */
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
export function readValidity(claims: JsonObject, rules: ClaimRules, nowMs: number): Validity {
  const { clockToleranceMs, maxTokenAgeMs, optionalClaims } = rules
  const expiresAt = readDate(claims, 'exp', optionalClaims.has('exp'))
  const nbf = numericDate(claims, 'nbf') ?? 0
  const iat = readDate(claims, 'iat', maxTokenAgeMs === undefined && optionalClaims.has('iat'))

  const validFromMs = Math.max(nbf, iat ?? 0) * 1000 - clockToleranceMs
  const expiresAtMs = (expiresAt ?? Number.POSITIVE_INFINITY) * 1000 + clockToleranceMs
  const tooOldAtMs = (iat ?? 0) * 1000 + (maxTokenAgeMs ?? Number.POSITIVE_INFINITY) + clockToleranceMs
  // Written so that a clock that gives NaN lets nothing pass.
  if (!(nowMs < expiresAtMs)) throw outOfTime('ERR_TOKEN_EXPIRED', 'before', expiresAtMs, nowMs)
  if (!(nowMs < tooOldAtMs)) throw outOfTime('ERR_TOKEN_TOO_OLD', 'before', tooOldAtMs, nowMs)
  if (nowMs < validFromMs) throw outOfTime('ERR_TOKEN_NOT_YET_VALID', 'from', validFromMs, nowMs)
  return { expiresAt, validFromMs, validUntilMs: Math.min(expiresAtMs, tooOldAtMs) }
}

function readDate(claims: JsonObject, name: string, mayLack: boolean): number | undefined {
  return numericDate(claims, name) ?? (mayLack ? undefined : missingClaim(name))
}

/** Times are the limit, leeway included, and the clock of this server. */
function outOfTime(code: InvalidTokenCode, word: string, limitMs: number, nowMs: number): InvalidTokenError {
  return new InvalidTokenError(code, { expected: `${word} ${utc(limitMs)}`, received: utc(nowMs) })
}

function utc(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms)
}
