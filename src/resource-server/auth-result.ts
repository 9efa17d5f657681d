import type { AccessTokenClaims, Auth } from '../auth/auth.js'
import type { AuthError } from '../errors/index.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import type { MaybePromise } from '../kit/maybe-promise.js'

/** Fields to set on the application's own answer. */
export type AnswerHeaders = HttpAnswer['headers']

/**
 * A request that was refused, or could not be judged: the reason, and the complete answer to send.
 *
 * An adapter looks at `fault` before it sends anything: where it is true, it hands `error` to the framework's own error
 * channel (`next(error)` in Express, a throw elsewhere) whatever its options and its own error handlers say, and sends
 * `answer` only where the framework has no such channel.
 */
export interface Refused {
  readonly ok: false
  /** An object of this one request: fields may be written on it. */
  readonly error: AuthError
  readonly answer: HttpAnswer
  /**
   * True where the application or this library made a mistake, and not the caller: every error of status 500. What was
   * thrown is the `cause` of `error`, if it was no {@link AuthError} itself.
   */
  readonly fault: boolean
}

/**
 * What became of a request that must carry a token.
 *
 * @group Resource server
 */
export type AuthResult<Claims = AccessTokenClaims> =
  | { readonly ok: true; readonly auth: Auth<Claims>; readonly headers: AnswerHeaders }
  | Refused

/**
 * What became of a request that may carry a token: `auth` is `undefined` when it carried none. A bad token is refused
 * all the same.
 *
 * @group Resource server
 */
export type OptionalAuthResult<Claims = AccessTokenClaims> =
  | { readonly ok: true; readonly auth: Auth<Claims> | undefined; readonly headers: AnswerHeaders }
  | Refused

/**
 * Judges requests by one compiled requirement. Gives the result itself where nothing has to wait, which is nearly always,
 * and a promise of it otherwise: for keys to be fetched, a store, introspection, an `allow` that gives a promise. `await`
 * takes both; `instanceof Promise` tells them apart. Never throws, and never rejects.
 *
 * @group Resource server
 */
export type Guard<Claims = AccessTokenClaims> = (request: RequestFacts) => MaybePromise<AuthResult<Claims>>

/** As {@link Guard}, for routes that also serve anonymous callers. @group Resource server */
export type OptionalGuard<Claims = AccessTokenClaims> = (
  request: RequestFacts,
) => MaybePromise<OptionalAuthResult<Claims>>
