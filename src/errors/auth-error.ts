import { type AuthErrorCode, errorDescriptions } from './codes.js'
import { type Background, backgroundOf as baseOf, brand, isOfFamily, PortcullisError } from './portcullis-error.js'
import { type Shown, shown } from './shown.js'

/** A function of the application that Portcullis calls. */
export type ApplicationCallback =
  | 'allow'
  | 'claims'
  | 'authorizationDetails'
  | 'isRevoked'
  | 'issuer'
  | 'tenants'
  | 'sign'
  | 'actor'
  | 'mapRefusal'
  | 'onLogin'
  | 'onError'
  | 'pages'

/** What an error carries for the server's own log, besides its code. */
export interface AuthErrorOptions {
  /** For logs: which check failed, in words. Never a token, a proof, a secret or a claim value. */
  readonly detail?: string | undefined
  /** The error underneath, for logs. */
  readonly cause?: unknown
  /** The function of the application that failed. */
  readonly callback?: ApplicationCallback | undefined
  /** What would have been accepted; see {@link AuthError.expected}. */
  readonly expected?: unknown
  /** What came instead; see {@link AuthError.received}. */
  readonly received?: unknown
}

interface AuthBackground extends Background {
  readonly callback: ApplicationCallback | undefined
  readonly expected: unknown
  readonly received: unknown
  /** Set once the error belongs to a request. */
  readonly correlationId: string | undefined
}

/**
 * A refusal. The class decides the HTTP answer, the code says why. `message` and `description` are fixed texts, safe
 * to show; everything else is for logs only and never reaches the wire.
 *
 * @group Errors
 */
export abstract class AuthError extends PortcullisError {
  /** The HTTP status of the answer. */
  abstract readonly status: 400 | 401 | 403 | 500 | 502 | 503
  /** The `error` value of the challenge; `undefined` where the answer carries none. */
  abstract readonly oauthError: string | undefined
  declare readonly code: AuthErrorCode

  constructor(code: AuthErrorCode, options: AuthErrorOptions = {}) {
    const { callback, expected, received } = options
    const background: AuthBackground = { family: 'auth', callback, expected, received, correlationId: undefined }
    super(code, errorDescriptions[code], options, background)
  }

  /** The text a client may see. */
  get description(): string {
    return errorDescriptions[this.code]
  }

  /** Tells the request in logs; see `Auth.correlationId`. `undefined` for an error that no request has met yet. */
  get correlationId(): string | undefined {
    return backgroundOf(this)?.correlationId
  }

  /** The function of the application that failed; `undefined` where none did. */
  get callback(): ApplicationCallback | undefined {
    return backgroundOf(this)?.callback
  }

  /**
   * What would have been accepted: issuers, audiences, scopes, times. For the log of the server; `undefined` where there
   * is nothing to compare. Long text is cut, and anything that looks like a token is masked.
   */
  get expected(): Shown | undefined {
    return shown(backgroundOf(this)?.expected)
  }

  /**
   * What came instead. Written by the sender of the token, so that it is escaped and cut. Holds values of registered
   * claims only (`iss`, `aud`, `scope` and the like), never a token; in an event only where `explainRefusals` is on.
   */
  get received(): Shown | undefined {
    return shown(backgroundOf(this)?.received)
  }

  /** A redacted view for logs: no cause, which may come from elsewhere, and nothing a token says. */
  toJSON(): {
    name: string
    code: AuthErrorCode
    status: number
    message: string
    detail: string | undefined
    correlationId: string | undefined
  } {
    const { name, code, status, message, detail, correlationId } = this
    return { name, code, status, message, detail, correlationId }
  }
}

/**
 * Whether `value` is one of this library's refusals, also when it comes from a second copy of the library.
 *
 * @group Errors
 */
export function isAuthError(value: unknown): value is AuthError {
  return isOfFamily(value, 'auth')
}

/**
 * Gives an error to the request with that correlation id. One that another request has already, or that cannot be
 * written on, stays as it is, and this request gets a copy.
 */
export function ownError(error: AuthError, correlationId: string): AuthError {
  const background = backgroundOf(error)
  const isFree = background !== undefined && background.correlationId === undefined && Object.isExtensible(error)
  const own = isFree ? error : copyError(error)
  return Object.defineProperty(own, brand, { value: { ...backgroundOf(own), correlationId } })
}

/**
 * A real `Error` of the same class and content that belongs to no request: what the application throws may be one object
 * for all of its requests. Leaves out `headers`, where adapters put those of the request that had the error before.
 */
export function copyError(error: AuthError): AuthError {
  const copy: Error = Object.setPrototypeOf(new Error(), Object.getPrototypeOf(error))
  for (const name of Reflect.ownKeys(error)) {
    if (name === 'stack' || name === 'headers') continue
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, name)
    Object.defineProperty(copy, name, {
      value: Reflect.get(error, name),
      enumerable,
      configurable: true,
      writable: true,
    })
  }
  Object.defineProperty(copy, 'stack', { get: () => error.stack, configurable: true })
  return Object.defineProperty(copy, brand, {
    value: { ...backgroundOf(error), correlationId: undefined },
    configurable: true,
  }) as AuthError
}

function backgroundOf(error: AuthError): AuthBackground | undefined {
  return baseOf(error) as AuthBackground | undefined
}
