import { UnavailableError } from '../errors/index.js'

/**
 * An introspection that tells nothing about the token: no answer, a broken one, or our own credentials refused.
 *
 * @param reason - for events and logs; holds nothing that was sent or received.
 */
export function introspectionFailure(reason: string, cause?: unknown): UnavailableError {
  return new UnavailableError('ERR_INTROSPECTION_UNAVAILABLE', { detail: reason, cause })
}
