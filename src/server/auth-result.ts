import type { AccessTokenClaims, Auth } from '../auth/auth.js'
import type { AuthError } from '../errors/index.js'
import type { HttpAnswer, RequestFacts } from '../request/request-facts.js'

/** Fields to set on the application's own answer. */
export type AnswerHeaders = HttpAnswer['headers']

/** A request that was refused, or could not be judged: the reason, and the complete answer to send. */
export interface Refused {
  readonly ok: false
  readonly error: AuthError
  readonly answer: HttpAnswer
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

/** Judges requests by one compiled requirement. Never rejects. @group Resource server */
export type Guard<Claims = AccessTokenClaims> = (request: RequestFacts) => Promise<AuthResult<Claims>>

/** As {@link Guard}, for routes that also serve anonymous callers. @group Resource server */
export type OptionalGuard<Claims = AccessTokenClaims> = (request: RequestFacts) => Promise<OptionalAuthResult<Claims>>
