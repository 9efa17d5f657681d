import { isOAuthClientError } from '../client/errors.js'
import type { StepUp } from '../client/step-up.js'
import { type AuthError, ResourceAccessError, type StepUpDemand, StepUpRequiredError } from '../errors/index.js'

/** A token that came back from an exchange and is not what was asked for. Says which check failed, and nothing more. */
export class UnusableTokenError extends Error {}

/**
 * Answers a refused exchange in the application's own way; `undefined` leaves it at the default. `refusal.reason` is the
 * `error` the authorization server gave.
 *
 * @group Grants
 */
export type MapRefusal = (refusal: ResourceAccessError) => AuthError | undefined

/** Refusals the caller can do something about: authenticate again, and come back with a better token. */
const answerableByStepUp: ReadonlySet<unknown> = new Set([
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'unmet_authentication_requirements',
  'insufficient_user_authentication',
])

const defaultRetryAfterMs = 5000

/**
 * Whether the authorization server said no, or issued what nobody asked for: asking again will not help. A client whose
 * own authentication is refused counts too.
 */
export function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof UnusableTokenError) return true
  if (!isOAuthClientError(thrown) || thrown.retryable) return false
  return thrown.category === 'auth' || thrown.category === 'dpop' || reasonOf(thrown) !== undefined
}

/**
 * What a failed exchange means for the request at hand. A refusal the user can settle becomes a step-up challenge (RFC
 * 9470) that passes on what the server asks for, every other one and every unusable answer 502; what could not be asked
 * is 503.
 */
export function toGrantError(resource: string, thrown: unknown, mapRefusal: MapRefusal | undefined): AuthError {
  if (isRefusal(thrown)) return refusalError(resource, thrown, mapRefusal)
  const failure = isOAuthClientError(thrown) ? thrown : undefined
  const about = { cause: thrown, detail: failure?.code }
  if (failure?.category === 'server' && !failure.retryable) {
    return new ResourceAccessError(resource, 'ERR_GRANT_REFUSED', about)
  }
  const retryAfterSeconds = Math.max(1, Math.ceil((failure?.retryAfterMs ?? defaultRetryAfterMs) / 1000))
  return new ResourceAccessError(resource, 'ERR_GRANT_UNAVAILABLE', { ...about, retryAfterSeconds })
}

function refusalError(resource: string, thrown: unknown, mapRefusal: MapRefusal | undefined): AuthError {
  const reason = reasonOf(thrown)
  const detail = isOAuthClientError(thrown) ? thrown.code : (thrown as UnusableTokenError).message
  const refusal = new ResourceAccessError(resource, 'ERR_GRANT_REFUSED', { cause: thrown, detail, reason })
  const mapped = mapRefusal?.(refusal)
  if (mapped !== undefined) return mapped
  return answerableByStepUp.has(reason) ? new StepUpRequiredError(demandOf(thrown), { cause: refusal }) : refusal
}

/** The `error` of a protocol error (RFC 6749 §5.2). */
function reasonOf(thrown: unknown): string | undefined {
  const error = isOAuthClientError(thrown) && 'error' in thrown ? thrown.error : undefined
  return typeof error === 'string' ? error : undefined
}

/** What the authorization server says would do, where it says so. */
function demandOf(thrown: unknown): StepUpDemand {
  const { stepUp } = thrown as { readonly stepUp?: StepUp }
  if (stepUp === undefined) return {}
  return { ...stepUp, scope: stepUp.scope.join(' ') || undefined }
}
