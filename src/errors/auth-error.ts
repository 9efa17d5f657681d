import { type ErrorCode, errorDescriptions } from './codes.js'

const brand = Symbol.for('portcullis.AuthError')

/** What an error carries for the server's own log, besides its code. */
export interface AuthErrorOptions {
  /** For logs: which check failed, in words. Never a token, a proof, a secret or a claim value. */
  readonly detail?: string | undefined
  /** The error underneath, for logs. */
  readonly cause?: unknown
}

/**
 * A refusal. The class decides the HTTP answer, the code says why. `message` and `description` are fixed texts, safe
 * to show; `detail` and `cause` are for logs only and never reach the wire.
 *
 * @group Errors
 */
export abstract class AuthError extends Error {
  /** The HTTP status of the answer. */
  abstract readonly status: 400 | 401 | 403 | 500 | 502 | 503
  /** The `error` value of the challenge; `undefined` where the answer carries none. */
  abstract readonly oauthError: string | undefined
  /** Why, from the closed union. Stable under semantic versioning. */
  readonly code: ErrorCode
  /** For logs only. */
  readonly detail: string | undefined

  constructor(code: ErrorCode, options: AuthErrorOptions = {}) {
    super(errorDescriptions[code], options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail
    Object.defineProperty(this, brand, { value: true })
  }

  /** The text a client may see. */
  get description(): string {
    return errorDescriptions[this.code]
  }

  override get name(): string {
    return this.constructor.name
  }

  /** A redacted view for logs: no cause, which may come from elsewhere. */
  toJSON(): { name: string; code: ErrorCode; status: number; message: string; detail: string | undefined } {
    return { name: this.name, code: this.code, status: this.status, message: this.message, detail: this.detail }
  }
}

/**
 * Whether `value` is one of this library's refusals, also when it comes from a second copy of the library.
 *
 * @group Errors
 */
export function isAuthError(value: unknown): value is AuthError {
  return value instanceof Error && brand in value
}
