import { isOAuthClientError, OAuthResponseError } from '../client/errors.js'
import { ResourceAccessError, StepUpRequiredError } from '../errors/index.js'

/** Refusals the caller can do something about: authenticate again, and come back with a better token. */
const answerableByStepUp: ReadonlySet<string> = new Set([
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'unmet_authentication_requirements',
  'insufficient_user_authentication',
])

/**
 * What a failed exchange means for the request at hand. A refusal the user can settle becomes a step-up challenge (RFC
 * 9470); trouble on the way is 503; every other refusal and every unusable answer is 502.
 */
export function toGrantError(resource: string, thrown: unknown): ResourceAccessError | StepUpRequiredError {
  const reason = thrown instanceof OAuthResponseError ? thrown.error : undefined
  if (reason !== undefined && answerableByStepUp.has(reason)) return new StepUpRequiredError({}, { cause: thrown })
  if (!isOAuthClientError(thrown)) return new ResourceAccessError(resource, 'ERR_GRANT_UNAVAILABLE', { cause: thrown })
  const detail = thrown.code
  if (!thrown.retryable && thrown.category !== 'validation' && thrown.category !== 'network') {
    return new ResourceAccessError(resource, 'ERR_GRANT_REFUSED', { cause: thrown, detail, reason })
  }
  const retryAfterSeconds = Math.max(1, Math.ceil((thrown.retryAfterMs ?? 5000) / 1000))
  return new ResourceAccessError(resource, 'ERR_GRANT_UNAVAILABLE', { cause: thrown, detail, retryAfterSeconds })
}
