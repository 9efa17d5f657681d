import { isOAuthClientError, OAuthResponseError } from '../client/errors.js'
import { AuthError, type AuthErrorOptions, StepUpRequiredError } from '../errors/index.js'

/**
 * A downstream token that cannot be had. 502 when the authorization server refused, 503 when it could not be asked, 500
 * when the handler asks for what its route did not declare. Never 401: the caller's own token was good here.
 *
 * @group Grants
 */
export class ResourceAccessError extends AuthError {
  readonly status: 500 | 502 | 503
  readonly oauthError = undefined
  /** The downstream resource, as the grant names it. */
  readonly resource: string
  /** The `error` the authorization server gave, for logs and for decisions of the handler. */
  readonly reason: string | undefined
  /** When a retry makes sense, in seconds; for 503. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    resource: string,
    code: 'ERR_GRANT_REFUSED' | 'ERR_GRANT_UNAVAILABLE' | 'ERR_GRANT_MISSING',
    options: AuthErrorOptions & { readonly reason?: string | undefined; readonly retryAfterSeconds?: number } = {},
  ) {
    super(code, options)
    this.status = code === 'ERR_GRANT_REFUSED' ? 502 : code === 'ERR_GRANT_UNAVAILABLE' ? 503 : 500
    this.resource = resource
    this.reason = options.reason
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

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
