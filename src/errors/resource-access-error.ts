import { AuthError, type AuthErrorOptions } from './auth-error.js'

const statuses = { ERR_GRANT_REFUSED: 502, ERR_GRANT_UNAVAILABLE: 503, ERR_GRANT_MISSING: 500 } as const

/** What a {@link ResourceAccessError} says besides its code. */
export interface ResourceAccessErrorOptions extends AuthErrorOptions {
  /** The `error` the authorization server gave. */
  readonly reason?: string | undefined
  /** When a retry makes sense, in seconds. */
  readonly retryAfterSeconds?: number | undefined
}

/**
 * A downstream token that cannot be had. 502 when the authorization server refused, 503 when it could not be asked, 500
 * when the handler asks for what its route did not declare. Never 401: the caller's own token was good here.
 *
 * @group Errors
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

  constructor(resource: string, code: keyof typeof statuses, options: ResourceAccessErrorOptions = {}) {
    super(code, options)
    this.status = statuses[code]
    this.resource = resource
    this.reason = options.reason
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
