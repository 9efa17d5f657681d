import { type ApplicationCallback, AuthError, type AuthErrorOptions } from './auth-error.js'

/** What an unavailable part says besides its code. */
export interface UnavailableErrorOptions extends AuthErrorOptions {
  /** When a retry makes sense, in seconds; becomes `Retry-After`. Default 5. */
  readonly retryAfterSeconds?: number | undefined
}

/**
 * Something this server depends on does not answer: keys, discovery, introspection, a store, a token endpoint. 503
 * with `Retry-After`, never 401: the caller's token may be perfectly good.
 *
 * @group Errors
 */
export class UnavailableError extends AuthError {
  readonly status = 503
  readonly oauthError = undefined
  /** When a retry makes sense, in seconds. */
  readonly retryAfterSeconds: number

  constructor(
    code:
      | 'ERR_ISSUER_UNAVAILABLE'
      | 'ERR_KEYS_UNAVAILABLE'
      | 'ERR_INTROSPECTION_UNAVAILABLE'
      | 'ERR_STORE_UNAVAILABLE'
      | 'ERR_GRANT_UNAVAILABLE',
    options: UnavailableErrorOptions = {},
  ) {
    super(code, options)
    this.retryAfterSeconds = Math.max(1, Math.ceil(options.retryAfterSeconds ?? 5))
  }
}

/** The codes of a {@link TokenStoreError}. @group Errors */
export type TokenStoreErrorCode =
  | 'ERR_TOKEN_STORE_UNAVAILABLE'
  | 'ERR_TOKEN_STORE_LOCKED'
  | 'ERR_TOKEN_STORE_CORRUPT'
  | 'ERR_TOKEN_STORE_INSECURE'
  | 'ERR_TOKEN_STORE_CONFIGURATION'

/**
 * The tokens of a user cannot be read or kept. 503, never 401: it is not known whether the user is signed in. `detail`
 * says what failed and how to mend it, without any key, account or token. It has no `cause`: errors of drivers hold what
 * was sent to them.
 *
 * @group Errors
 */
export class TokenStoreError extends AuthError {
  declare readonly code: TokenStoreErrorCode
  readonly status = 503
  readonly oauthError = undefined
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean
  /** When a retry makes sense, in seconds; `undefined` where none does. Becomes `Retry-After`. */
  readonly retryAfterSeconds: number | undefined

  constructor(code: TokenStoreErrorCode, detail: string) {
    super(code, { detail })
    this.retryable = code === 'ERR_TOKEN_STORE_UNAVAILABLE' || code === 'ERR_TOKEN_STORE_LOCKED'
    this.retryAfterSeconds = this.retryable ? 5 : undefined
  }
}

/**
 * An option that cannot be right. Thrown where the option is given, at start-up; its message says what to write
 * instead.
 *
 * @group Errors
 */
export class ConfigurationError extends AuthError {
  readonly status = 500
  readonly oauthError = undefined

  constructor(message: string, options?: AuthErrorOptions) {
    super('ERR_CONFIGURATION', options)
    this.message = message
  }
}

/**
 * Something threw that should not have: a function of the application, or a bug of ours. 500 with an empty body. It
 * belongs in the framework's own error channel, where its `cause` can be seen: see `Refused.fault`.
 *
 * @group Errors
 */
export class InternalError extends AuthError {
  readonly status = 500
  readonly oauthError = undefined
  constructor(cause: unknown, callback?: ApplicationCallback) {
    super('ERR_INTERNAL', { cause, callback, detail: callback && `\`${callback}\` failed` })
  }
}
