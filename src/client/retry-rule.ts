import type { OAuthClientError } from './errors.js'

/**
 * Which failures of an operation may be repeated without spending anything twice.
 *
 * - `safe`: every retryable one; repeating changes nothing (client credentials, introspection, revocation, discovery).
 * - `refused`: only where the server said it did not do it, 429 and 503 (token exchange, JWT grant, PAR).
 * - `rate_limited`: 429 alone. After anything else nobody knows whether a rotating refresh token was spent.
 */
export type RetryRule = 'safe' | 'refused' | 'rate_limited'

/** Whether `rule` allows repeating an attempt that failed with `error`. Never while a circuit is open. */
export function mayRetry(rule: RetryRule, error: OAuthClientError): boolean {
  if (!error.retryable || error.code === 'ERR_CIRCUIT_OPEN') return false
  if (rule === 'safe' || error.code === 'ERR_RATE_LIMITED') return true
  return rule === 'refused' && 'status' in error && error.status === 503
}
