import { InvalidTokenError } from '../errors/index.js'
import type { JsonObject } from '../lib/json.js'
import { missingClaim, numericDate } from './claim-values.js'
import type { ClaimRules } from './token-rules.js'

/** When a token may be used, leeway included. */
export interface Validity {
  /** `exp`, in seconds. */
  readonly expiresAt: number
  readonly validFromMs: number
  readonly validUntilMs: number
}

/**
 * Reads `exp`, `nbf` and `iat` and holds them against the time (RFC 7519 §4.1.4 to §4.1.6). `exp` is always required,
 * `iat` unless the rules relax it.
 *
 * @throws {@link InvalidTokenError} `ERR_TOKEN_EXPIRED`, `ERR_TOKEN_TOO_OLD`, `ERR_TOKEN_NOT_YET_VALID`, or for a claim
 * that is absent or no number.
 */
export function readValidity(claims: JsonObject, rules: ClaimRules, nowMs: number): Validity {
  const { clockToleranceMs, maxTokenAgeMs } = rules
  const expiresAt = numericDate(claims, 'exp') ?? missingClaim('exp')
  const nbf = numericDate(claims, 'nbf') ?? 0
  const iat = numericDate(claims, 'iat')
  const iatNeeded = maxTokenAgeMs !== undefined || !rules.optionalClaims.has('iat')
  if (iat === undefined && iatNeeded) missingClaim('iat')

  const validFromMs = Math.max(nbf, iat ?? 0) * 1000 - clockToleranceMs
  const expiresAtMs = expiresAt * 1000 + clockToleranceMs
  const tooOldAtMs = (iat ?? 0) * 1000 + (maxTokenAgeMs ?? Number.POSITIVE_INFINITY) + clockToleranceMs
  if (nowMs >= expiresAtMs) throw new InvalidTokenError('ERR_TOKEN_EXPIRED')
  if (nowMs >= tooOldAtMs) throw new InvalidTokenError('ERR_TOKEN_TOO_OLD')
  if (nowMs < validFromMs) throw new InvalidTokenError('ERR_TOKEN_NOT_YET_VALID')
  return { expiresAt, validFromMs, validUntilMs: Math.min(expiresAtMs, tooOldAtMs) }
}
