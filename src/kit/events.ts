/** The one union of events, of the resource server, the grants, the login and the client. Told by event-sink.ts. */
import type { ApplicationCallback, AuthErrorCode, Shown } from '../errors/index.js'
import type { ClientEvent } from './client-events.js'
import type { IssuerEvent } from './issuer-events.js'
import type { LoginEvent } from './login-events.js'

/**
 * Something worth counting or logging. Holds no token, proof, secret or claim value.
 *
 * @group Events
 */
export type PortcullisEvent =
  /** A caller was let through: one event per request, however many guards it passed. */
  | (AboutRequest & {
      readonly type: 'auth.accepted'
      readonly issuer: string
      readonly resource: string
      readonly scheme: string
      /** What the token was bound to, shown to hold. */
      readonly binding: 'none' | 'dpop' | 'mtls' | 'both'
      /** See `Auth.isClientToken`. */
      readonly isClientToken: boolean | undefined
      /** How the token was known to be good: by its signature, by the issuer's word, or as one told of before. */
      readonly source: 'verified' | 'introspected' | 'cache'
    })
  /** A request without credentials was let through where none are demanded. */
  | (AboutRequest & { readonly type: 'auth.anonymous'; readonly resource: string })
  /** A caller was refused, or could not be judged (status 5xx). */
  | (AboutRequest & {
      readonly type: 'auth.refused'
      readonly code: AuthErrorCode
      readonly status: number
      /** Who has to mend it. `dependency`: an authorization server or a store; `application`: this server or its setup. */
      readonly fault: 'caller' | 'policy' | 'dependency' | 'application'
      /** Normal traffic: a client that asks how to be let in, or is told the nonce to use. */
      readonly handshake: boolean
      readonly resource: string
      /** The one the token names, where it is trusted here: nothing of the token is proven by it. */
      readonly issuer: string | undefined
      /** By which the token came; `undefined` where none was found. */
      readonly scheme: string | undefined
      /** The `error` of the challenge; `undefined` where there is none. */
      readonly oauthError: string | undefined
      /** What `Retry-After` says; `undefined` where a retry is not asked for. */
      readonly retryAfterSeconds: number | undefined
      readonly detail: string | undefined
      /** What would have been accepted; only where `explainRefusals` is on. */
      readonly expected?: Shown | undefined
      /** What came instead; only where `explainRefusals` is on, since claim values are in it. */
      readonly received?: Shown | undefined
      /** What is wrong and what to write; only where `explainRefusals` is on. */
      readonly sentence?: string | undefined
    })
  /**
   * A function of the application failed, or the server is not set up as it has to be: a mistake to mend. Where that is
   * the end of the request, the error reaches the error channel of the framework, with its cause.
   */
  | {
      readonly type: 'application.failed'
      /** `undefined` where the mistake is not in one of the functions Portcullis calls. */
      readonly callback: ApplicationCallback | undefined
      /** The code or the class of what was thrown: no free text. */
      readonly errorName: string
      /** `undefined` where it concerns no single request. */
      readonly correlationId: string | undefined
    }
  | IssuerEvent
  /** A DPoP proof came a second time. */
  | { readonly type: 'dpop.replayed'; readonly resource: string }
  /** `server.revoke` was called, or an authorization server ended a session: such tokens are refused from now on. */
  | {
      readonly type: 'revocation.added'
      readonly issuer: string
      readonly kind: 'token' | 'subject' | 'session'
    }
  /** An authorization server ended a session, or all of a user: the tokens are revoked. */
  | { readonly type: 'logout.accepted'; readonly issuer: string; readonly kind: 'subject' | 'session' }
  /** A logout token was refused, or could not be judged. */
  | {
      readonly type: 'logout.refused'
      readonly code: AuthErrorCode
      readonly status: number
      readonly detail: string | undefined
    }
  /** A caller's token was exchanged for a downstream one (RFC 8693). */
  | {
      readonly type: 'grant.exchanged'
      readonly issuer: string
      readonly resource: string
      readonly correlationId: string
      /** How long the exchange took, repetitions included, by a clock that is never set back. */
      readonly durationMs: number
      /** How long the token is good for; `undefined` where the server does not tell. */
      readonly expiresInSeconds: number | undefined
    }
  /** A downstream token came from the cache, or from an exchange for another request of the same caller. */
  | {
      readonly type: 'grant.reused'
      readonly issuer: string
      readonly resource: string
      readonly correlationId: string
      readonly source: 'cache' | 'joined'
    }
  /**
   * A downstream token could not be had. `code` tells what that means, before `mapRefusal`; `refused`, that the
   * authorization server said no, or issued what was not asked for; `remembered`, that it was not asked again.
   */
  | {
      readonly type: 'grant.failed'
      readonly issuer: string
      readonly resource: string
      readonly correlationId: string
      readonly code: AuthErrorCode
      readonly refused: boolean
      readonly remembered: boolean
      /** How long the attempt took, by a clock that is never set back; 0 where the server was not asked. */
      readonly durationMs: number
      /** Which check failed, or the code of the client's error. Fixed texts. */
      readonly detail: string | undefined
      /** The `error` and `error_description` of the server, secrets masked, 256 characters at most. */
      readonly error: string | undefined
      readonly errorDescription: string | undefined
    }
  /**
   * A store did not answer, or had no room. `failedOpen` tells whether the request went on without it. `reason` is a code:
   * `timeout`, `STORE_FULL`, `ECONNREFUSED`, `OOM` …, or the name of the error's class.
   */
  | {
      readonly type: 'store.failed'
      readonly store: StoreName
      readonly reason: string
      readonly failedOpen: boolean
    }
  /** A store that failed answers again. `failures`: how many times in a row it had not. */
  | { readonly type: 'store.recovered'; readonly store: StoreName; readonly failures: number }
  /**
   * Another process held the lease on a piece of work. `outcome`: it let go (`lease`), its result could be taken
   * (`result`), or neither came in 15 s (`timeout`).
   */
  | {
      readonly type: 'lock.waited'
      readonly store: 'grants' | 'tokens'
      readonly outcome: 'lease' | 'result' | 'timeout'
      readonly durationMs: number
    }
  /** The lease on a piece of work was lost before the work was done: another process may do it too. */
  | { readonly type: 'lock.lost'; readonly store: 'grants' | 'tokens' }
  | LoginEvent
  | ClientEvent

/** What a store is for. @group Events */
export type StoreName = 'replay' | 'revocation' | 'grants' | 'tokens' | 'sessions'

/** What every event about one request says. @group Events */
export interface AboutRequest {
  /** Tells the request in logs: its errors and the calls made to authorization servers for it carry the same one. */
  readonly correlationId: string
  /** `undefined` outside of HTTP, like the next two, and for what comes up after the guard. */
  readonly method?: string | undefined
  /** The pattern of the route, `/users/:id`: where the framework tells. Never the path. */
  readonly route?: string | undefined
  /** What the framework calls the request: `request.id` of Fastify, or of pino-http. */
  readonly requestId?: string | undefined
  /**
   * `request`: at a guard. `check`: a further demand on a caller let through before, or a refusal that came up later.
   * `token`: `server.verify`, outside of any request.
   */
  readonly phase: 'request' | 'check' | 'token'
  /** How long it took to judge, by a clock that is never set back; 0 for a refusal that came up later. */
  readonly durationMs: number
}

/**
 * Receives events. Called synchronously, and may be asynchronous: nothing waits for it. What it throws, at once or by a
 * promise, is swallowed.
 *
 * @group Events
 */
export type EventListener = (event: PortcullisEvent) => unknown
