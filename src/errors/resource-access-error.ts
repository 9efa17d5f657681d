import { AuthError, type AuthErrorOptions } from './auth-error.js'

const statuses = {
  ERR_GRANT_DENIED: 403,
  ERR_GRANT_CONFIGURATION: 500,
  ERR_GRANT_MISSING: 500,
  ERR_GRANT_REFUSED: 502,
  ERR_GRANT_UNAVAILABLE: 503,
} as const

/** What a {@link ResourceAccessError} says besides its code. */
export interface ResourceAccessErrorOptions extends AuthErrorOptions {
  /** The `error` the authorization server gave. */
  readonly reason?: string | undefined
  /** When a retry makes sense, in seconds. */
  readonly retryAfterSeconds?: number | undefined
}

/**
 * A downstream token that cannot be had. 403 when the authorization server denies it to this caller, 502 when it refuses
 * it to this service, 503 when it could not be asked, 500 when this service is not configured for it, or the handler asks
 * for what its route did not declare. Never 401: what the caller can settle by signing in is an `InvalidTokenError` or a
 * `StepUpRequiredError`, with this error as its `cause`.
 *
 * @group Errors
 */
export class ResourceAccessError extends AuthError {
  readonly status: 403 | 500 | 502 | 503
  readonly oauthError = undefined
  /** The downstream resource, as the grant names it. */
  readonly resource: string
  /** The `error` the authorization server gave, for logs and for decisions of the handler. Its description: `cause`. */
  readonly reason: string | undefined
  /** When a retry makes sense, in seconds; for 503. */
  readonly retryAfterSeconds: number | undefined

  constructor(resource: string, code: keyof typeof statuses, options: ResourceAccessErrorOptions = {}) {
    super(code, options)
    this.status = statuses[code]
    this.resource = resource
    this.reason = options.reason
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
