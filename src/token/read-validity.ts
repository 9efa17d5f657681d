import { InvalidTokenError } from '../errors/index.js'
import type { JsonObject } from '../lib/json.js'
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
  if (!(nowMs < expiresAtMs)) throw new InvalidTokenError('ERR_TOKEN_EXPIRED')
  if (!(nowMs < tooOldAtMs)) throw new InvalidTokenError('ERR_TOKEN_TOO_OLD')
  if (nowMs < validFromMs) throw new InvalidTokenError('ERR_TOKEN_NOT_YET_VALID')
  return { expiresAt, validFromMs, validUntilMs: Math.min(expiresAtMs, tooOldAtMs) }
}

function readDate(claims: JsonObject, name: string, mayLack: boolean): number | undefined {
  return numericDate(claims, name) ?? (mayLack ? undefined : missingClaim(name))
}
