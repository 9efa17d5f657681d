import { UnavailableError } from '../../errors/index.js'

/**
 * An introspection that tells nothing about the token: no answer, a broken one, or our own credentials refused.
 *
 * @param reason - for events and logs; holds nothing that was sent or received.
 * @param retryAfterSeconds - when a retry makes sense, where that is known.
 */
export function introspectionFailure(reason: string, cause?: unknown, retryAfterSeconds?: number): UnavailableError {
  return new UnavailableError('ERR_INTROSPECTION_UNAVAILABLE', { detail: reason, cause, retryAfterSeconds })
}
