/** The events of the OAuth client, and the names they use. Part of the one union in events.ts. */
import type { ClientErrorCode } from '../errors/index.js'

/** A call of the client: the function's name, or `discovery`. @group OAuth client */
export type ClientOperation =
  | 'discovery'
  | 'clientCredentials'
  | 'exchangeToken'
  | 'jwtBearer'
  | 'refresh'
  | 'introspect'
  | 'revoke'
  | 'pushAuthorizationRequest'
  | 'authorizationRequest'
  | 'exchangeCode'
  | 'verifyIdToken'
  | 'verifyLogoutToken'
  | 'userInfo'
  | 'deviceAuthorization'
  | 'endSessionUrl'
  | 'register'
  | 'readRegistration'
  | 'updateRegistration'
  | 'deleteRegistration'

/** What a circuit breaker stands at. @group OAuth client */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Which circuit a call of the client goes through: one per endpoint. @group OAuth client */
export type CircuitName =
  | 'token'
  | 'introspection'
  | 'revocation'
  | 'registration'
  | 'pushedAuthorizationRequest'
  | 'authorization'
  | 'userinfo'
  | 'deviceAuthorization'
  | 'discovery'
  | 'registrationManagement'

/** What the OAuth client tells: its attempts, its repetitions and its circuits. Part of `PortcullisEvent`. @group Events */
export type ClientEvent =
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
      /** Whether a failure may be passing; false for a success. */
      readonly retryable: boolean
    }
  /** A failed attempt will be repeated after `delayMs`. */
  | {
      readonly type: 'client.retry'
      readonly issuer: string
      readonly operation: ClientOperation
      readonly correlationId: string
      /** Of the attempt that failed, like `attempt`. */
      readonly code: ClientErrorCode
      readonly attempt: number
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
