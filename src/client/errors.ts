import { clientErrorTraits } from '../errors/client-codes.js'
import { type ClientErrorCategory, type ClientErrorCode, isOfFamily, PortcullisError } from '../errors/index.js'
import type { StepUp } from './challenges.js'

/** What an {@link OAuthClientError} says besides its code. @group Client errors */
export interface ClientErrorOptions {
  readonly operation?: string | undefined
  readonly issuer?: string | undefined
  /** Default: a fresh UUID. */
  readonly correlationId?: string | undefined
  readonly retryAfterMs?: number | undefined
  /** The redacted error underneath. */
  readonly cause?: Error | undefined
  /** For logs: which check failed, in fixed words. */
  readonly detail?: string | undefined
  /** Replaces the fixed text of the code: for mistakes of configuration, where it says what to write instead. */
  readonly message?: string | undefined
}

/**
 * A call of the OAuth client that failed. One base class; the subclass says what kind of trouble it is, the code says
 * exactly which. Nothing in it — message, fields, `cause`, JSON, `util.inspect` — holds a token, secret or assertion.
 *
 * @group Client errors
 */
export class OAuthClientError extends PortcullisError {
  declare readonly code: ClientErrorCode
  readonly category: ClientErrorCategory
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined
  /**
   * Ties this error to the events of its call, and to the request header where one is configured. Calls that share one
   * request have an identifier each; the events tell the one of the call that started it.
   */
  readonly correlationId: string
  /** The function that failed, such as `exchangeToken`. */
  readonly operation: string | undefined
  readonly issuer: string | undefined

  readonly #context: ClientErrorOptions

  constructor(code: ClientErrorCode, context: ClientErrorOptions = {}) {
    const traits = clientErrorTraits[code]
    super(code, context.message ?? traits.message, context, { family: 'client' })
    this.category = traits.category
    this.retryable = traits.retryable
    this.retryAfterMs = context.retryAfterMs
    this.correlationId = context.correlationId ?? crypto.randomUUID()
    this.operation = context.operation
    this.issuer = context.issuer
    this.#context = context
  }

  /** `retryAfterMs` in whole seconds, rounded up: for a `Retry-After` of your own. */
  get retryAfterSeconds(): number | undefined {
    return this.retryAfterMs === undefined ? undefined : Math.ceil(this.retryAfterMs / 1000)
  }

  /** @internal The same failure, as an object of another call that shared the work, or of the one it happened in. */
  static forCall(
    error: OAuthClientError,
    call: Pick<ClientErrorOptions, 'operation' | 'issuer' | 'correlationId'>,
  ): OAuthClientError {
    if (!(#context in error)) return error
    const Class = error.constructor as typeof OAuthClientError
    return new Class(error.code, { ...error.#context, ...call })
  }

  /** A redacted view for logs and metrics; the members of the subclass included, the cause left out. */
  toJSON(): Record<string, unknown> {
    return { ...Object.fromEntries(Object.entries(this)), name: this.name, message: this.message }
  }
}

/**
 * Whether `value` is an error of this client, also when it comes from a second copy of the library.
 *
 * @group Client errors
 */
export function isOAuthClientError(value: unknown): value is OAuthClientError {
  return isOfFamily(value, 'client')
}

/**
 * A call that cannot be right: an argument, a closed client, a token that needs what the call does not give. The code
 * that calls has to change; a retry never helps.
 *
 * @group Client errors
 */
export class ClientCallError extends OAuthClientError {}

/**
 * What is configured does not fit the server: an endpoint it does not have. Found at first use; never worth a retry.
 * Options that are wrong by themselves are a `ConfigurationError`, thrown where they are given.
 *
 * @group Client errors
 */
export class ClientConfigurationError extends OAuthClientError {}

/** A credential that could not be obtained: no file, an empty or expired one, an unknown issuer. @group Client errors */
export class CredentialError extends OAuthClientError {}

/** The server could not be reached, or its answer was cut off. @group Client errors */
export class NetworkError extends OAuthClientError {}

/** No complete answer within the time limit. @group Client errors */
export class RequestTimeoutError extends NetworkError {}

/** The endpoint failed so often that it is left alone until `retryAfterMs` is over. @group Client errors */
export class CircuitOpenError extends OAuthClientError {}

/** An answer that does not conform: broken JSON, missing members, unusable token. @group Client errors */
export class ResponseError extends OAuthClientError {}

/** The metadata document could not be had, or is not this issuer's. @group Client errors */
export class DiscoveryError extends OAuthClientError {}

/** Something about a DPoP proof, its nonce, or the binding of the token that came back. @group Client errors */
export class DpopError extends OAuthClientError {}

/** An unusable PKCE verifier (RFC 7636 §4.1). @group Client errors */
export class PkceError extends OAuthClientError {}

/** What an HTTP answer adds to an error. @group Client errors */
export interface HttpErrorOptions extends ClientErrorOptions {
  readonly status: number
  readonly bodySnippet: string
  readonly headers: Readonly<Record<string, string>>
}

/** An answer with a status that is not a protocol error. @group Client errors */
export class HttpResponseError extends OAuthClientError {
  readonly status: number
  /** Those header fields of the answer that help to find a fault: content type, retry, request ids. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * At most 256 characters of an error page, with everything token-like masked; empty for JSON. Left out of JSON and
   * `util.inspect`.
   */
  declare readonly bodySnippet: string

  constructor(code: ClientErrorCode, context: HttpErrorOptions) {
    super(code, context)
    this.status = context.status
    this.headers = context.headers
    Object.defineProperty(this, 'bodySnippet', { get: () => context.bodySnippet })
  }
}

/** 429. `retryAfterMs` tells how long the server asked to wait. @group Client errors */
export class RateLimitedError extends HttpResponseError {}

/** What a protocol error of the server adds. @group Client errors */
export interface OAuthErrorOptions extends ClientErrorOptions {
  readonly status: number
  readonly error: string
  readonly errorDescription?: string | undefined
  readonly errorUri?: string | undefined
  readonly stepUp?: StepUp | undefined
}

/** The server said no in the way RFC 6749 §5.2 lays down, also where it did so with status 200. @group Client errors */
export class OAuthResponseError extends OAuthClientError {
  readonly status: number
  /** The `error` member, as the server wrote it. */
  readonly error: string
  /** Untrusted text of the server, with everything token-like masked. */
  readonly errorDescription: string | undefined
  readonly errorUri: string | undefined
  /**
   * For `ERR_INTERACTION_REQUIRED`: the `acr_values`, `max_age` and `scope` of the answer, for the next authorization
   * request. Values no challenge may hold, or that look like a secret, are left out. `undefined` for other codes.
   */
  readonly stepUp: StepUp | undefined

  constructor(code: ClientErrorCode, context: OAuthErrorOptions) {
    super(code, context)
    this.status = context.status
    this.error = context.error
    this.errorDescription = context.errorDescription
    this.errorUri = context.errorUri
    this.stepUp = context.stepUp
  }
}

/** A token exchange (RFC 8693) was refused. @group Client errors */
export class TokenExchangeError extends OAuthResponseError {}

/** The server refused how this client authenticates: `invalid_client`. @group Client errors */
export class ClientAuthenticationError extends OAuthResponseError {}
