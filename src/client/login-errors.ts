/*
 * Errors of logins and ID tokens. Those of the requests in between are in `errors.ts`.
 */
import type { ClientErrorCode } from '../errors/index.js'
import type { StepUp } from './challenges.js'
import { type ClientErrorOptions, OAuthClientError } from './errors.js'

/**
 * A login whose answer must not be used: not this browser's, not this server's, malformed, or without a user. Never worth
 * a retry: start a new login.
 *
 * @group Login errors
 */
export class LoginError extends OAuthClientError {}

/** The login was not finished before its time was up. @group Login errors */
export class LoginTimeoutError extends OAuthClientError {}

/** The ID token must not be used; the code says which check failed, `detail` sometimes why. @group Login errors */
export class IdTokenError extends OAuthClientError {}

/** What an authorization error adds (RFC 6749 §4.1.2.1). @group Login errors */
export interface LoginDeniedOptions extends ClientErrorOptions {
  readonly error: string
  readonly errorDescription?: string | undefined
  readonly stepUp?: StepUp | undefined
}

/**
 * The user or the server said no: `ERR_LOGIN_DENIED` for `access_denied`, `ERR_LOGIN_REFUSED` for any other error.
 *
 * @group Login errors
 */
export class LoginDeniedError extends OAuthClientError {
  /** The `error` parameter, as the server wrote it. */
  readonly error: string
  /** Untrusted text of the server, with everything token-like masked. */
  readonly errorDescription: string | undefined
  /** What would do, where the user has to sign in again or in another way. */
  readonly stepUp: StepUp | undefined

  constructor(code: ClientErrorCode, context: LoginDeniedOptions) {
    super(code, context)
    this.error = context.error
    this.errorDescription = context.errorDescription
    this.stepUp = context.stepUp
  }
}
