import { UnavailableError, type UnavailableErrorOptions } from '../../errors/index.js'
import type { IntrospectionFailureReason } from '../../kit/failure-code.js'

/**
 * An introspection that tells nothing about the token: no answer, a broken one, or our own credentials refused.
 *
 * @param reason - becomes the `detail` of the error and the `reason` of the event.
 */
export function introspectionFailure(
  reason: IntrospectionFailureReason,
  about: Omit<UnavailableErrorOptions, 'detail'> = {},
): UnavailableError {
  return new UnavailableError('ERR_INTROSPECTION_UNAVAILABLE', { ...about, detail: reason })
}
