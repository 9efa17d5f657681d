import type { ErrorCode } from './codes.js'

/** Registered, so that the error of a second copy of the library is known too. */
export const brand = Symbol.for('portcullis.PortcullisError')

/** What is kept at the brand, where neither `console.log` nor `JSON.stringify` finds it. */
export interface Background {
  /** `auth` for what an HTTP request is answered with, `client` for a failed call of the OAuth client. */
  readonly family: 'auth' | 'client'
}

/**
 * The base of every error this package throws: {@link AuthError} and what extends it, and the errors of
 * `portcullis/client`. `message` is a fixed text, or for mistakes of configuration what to write instead. Nothing in it
 * holds a token, a proof, a secret or a claim value. It does not say how a request is answered: `AuthError` does.
 *
 * @group Errors
 */
export abstract class PortcullisError extends Error {
  /** Why, from the closed union. Stable under semantic versioning. */
  readonly code: ErrorCode
  /** For logs only: which check failed, in words. */
  readonly detail: string | undefined
  /** Ties the error to the events of its request or call; `undefined` for one that no request has met yet. */
  abstract readonly correlationId: string | undefined

  /** @hidden */
  constructor(
    code: ErrorCode,
    message: string,
    { detail, cause }: { readonly detail?: string | undefined; readonly cause?: unknown },
    background: Background,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
    Object.defineProperty(this, brand, { value: background, configurable: true })
  }

  override get name(): string {
    return this.constructor.name
  }

  /** A redacted view for logs: without the cause, which may come from elsewhere. */
  abstract toJSON(): Record<string, unknown>
}

/**
 * Whether `value` is an error of this library, also when it comes from a second copy of it.
 *
 * @group Errors
 */
export function isPortcullisError(value: unknown): value is PortcullisError {
  return value instanceof Error && brand in value
}

/** Whether `value` is an error of this library and family. */
export function isOfFamily(value: unknown, family: Background['family']): boolean {
  return isPortcullisError(value) && backgroundOf(value)?.family === family
}

/** An error of another version of the library may keep something else there. */
export function backgroundOf(error: PortcullisError): Background | undefined {
  const background: unknown = Reflect.get(error, brand)
  return typeof background === 'object' && background !== null ? (background as Background) : undefined
}
