import type { EndpointName } from './endpoints.js'
import type { ClientErrorCode } from './error-codes.js'

/** A call of the client: the function's name, or `discovery`. */
export type ClientOperation =
  | 'discovery'
  | 'clientCredentials'
  | 'exchangeToken'
  | 'jwtBearer'
  | 'refresh'
  | 'introspect'
  | 'revoke'
  | 'pushAuthorizationRequest'
  | 'register'
  | 'readRegistration'
  | 'updateRegistration'
  | 'deleteRegistration'

/** What a circuit breaker stands at. @group OAuth client */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Which circuit a call goes through: one per endpoint. */
export type CircuitName = EndpointName | 'discovery' | 'registrationManagement'

/**
 * Something worth counting or logging about the OAuth client. Holds no token, secret, assertion or claim value.
 *
 * @group OAuth client
 */
export type OAuthClientEvent =
  /** One attempt of one call ended; `code` and `status` tell how. */
  | {
      readonly type: 'client.attempt'
      readonly issuer: string
      readonly operation: ClientOperation
      readonly correlationId: string
      /** 1 for the first. */
      readonly attempt: number
      readonly durationMs: number
      /** The HTTP status, where an answer came. */
      readonly status: number | undefined
      /** `undefined` for a success. */
      readonly code: ClientErrorCode | undefined
    }
  /** A failed attempt will be repeated after `delayMs`. */
  | {
      readonly type: 'client.retry'
      readonly issuer: string
      readonly operation: ClientOperation
      readonly correlationId: string
      readonly delayMs: number
    }
  /** A circuit breaker changed its state. */
  | {
      readonly type: 'client.breaker'
      readonly issuer: string
      readonly circuit: CircuitName
      readonly state: BreakerState
    }
  /** A token was renewed before its expiry, and that failed; the known one still serves. */
  | { readonly type: 'client.refresh_ahead_failed'; readonly issuer: string; readonly code: ClientErrorCode }

/** Receives events. Called synchronously; what it throws, or rejects with later, is swallowed. */
export type OAuthClientListener = (event: OAuthClientEvent) => void

/** Hands `event` to `listener` so that a faulty listener can never change a result. */
export function notify(listener: OAuthClientListener | undefined, event: OAuthClientEvent): void {
  try {
    const returned: unknown = listener?.(event)
    if (returned instanceof Promise) returned.catch(() => undefined)
  } catch {}
}
