import type { AccessTokenClaims, Auth } from '../auth/auth.js'
import { ConfigurationError } from '../errors/index.js'
import type { HttpAnswer } from '../http/http-answer.js'
import type { RequestFacts } from '../http/request-facts.js'
import type { EventListener } from '../kit/events.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import type { Revocation } from '../revocation/revocation.js'
import type { AuthResult, Guard, OptionalGuard, Refused } from './auth-result.js'
import type { Explanation } from './explain.js'
import type { ResourceServerHealth } from './health.js'
import type { Requirement } from './policy/requirement.js'

/**
 * The long-lived object that guards an API: made once, at start-up, by {@link createResourceServer}.
 *
 * @group Resource server
 */
export interface ResourceServer<Claims = AccessTokenClaims> {
  /** The identifiers of the resources it guards, in the order given. */
  readonly resources: readonly string[]
  /**
   * Judges one request: a refusal comes back as the answer to send. Compiles `requirement` once per object; routes that
   * know theirs beforehand take {@link ResourceServer.guard}. Rejects for a requirement that cannot be right, and for
   * nothing else.
   *
   * @throws {@link ConfigurationError}
   */
  authenticate(request: RequestFacts, requirement?: Requirement<Claims>): Promise<AuthResult<Claims>>
  /**
   * Compiles a requirement into a function that judges requests by it.
   *
   * @throws {@link ConfigurationError} for a requirement that cannot be right, at once.
   */
  guard(requirement?: Requirement<Claims>): Guard<Claims>
  /** As {@link ResourceServer.guard}, but a request without credentials passes with `auth` undefined. */
  optionalGuard(requirement?: Requirement<Claims>): OptionalGuard<Claims>
  /**
   * Verifies a token outside of any HTTP request: sockets, queues. A token bound to a key or a certificate is refused,
   * since nothing here can show possession.
   *
   * @throws {@link AuthError} the refusal.
   */
  verify(token: string, requirement?: Requirement<Claims>): Promise<Auth<Claims>>
  /**
   * Holds a caller let through before against a further requirement: that of an operation within the request. Looks at
   * time, revocation and everything the requirement says once more, but at no proof of possession: `auth` must come from
   * a guard of this server. A requirement is compiled once per object.
   *
   * Judges at once, and throws synchronously: there is no `await` to forget. Where something would have to wait (an
   * `allow` or `isRevoked` that gives a promise, a shared revocation store, an introspected token, keys that are remembered
   * no longer) it refuses everybody: {@link ResourceServer.checkAsync} is for that.
   *
   * @throws {@link AuthError} the refusal, for {@link ResourceServer.refuse}.
   * @throws {@link ConfigurationError} where it would have to wait.
   */
  check(auth: Auth<Claims>, requirement: Requirement<Claims>): void
  /**
   * As {@link ResourceServer.check}, and waits for what cannot be judged at once. Forgetting the `await` lets the caller
   * through: use `check` where you can, and a linter that knows floating promises.
   *
   * @throws {@link AuthError} the refusal, for {@link ResourceServer.refuse}. Always as a rejection.
   */
  checkAsync(auth: Auth<Claims>, requirement: Requirement<Claims>): Promise<void>
  /**
   * The answer to a refusal that comes up after a request was let through: a grant that failed, or the application's
   * own {@link AuthError}. Anything else becomes 500 with an empty body. `auth` tells the scheme to challenge; what is no
   * `Auth`, such as another library's idea of a caller, counts as none.
   */
  refuse(thrown: unknown, auth?: Auth<unknown>): Refused
  /**
   * Why a request is refused, or that it is not: the steps of a guard with this requirement, each with what was expected
   * and what came. Runs the very steps, so that keys may be fetched, and `allow`, `isRevoked`, a claims schema and an
   * issuer function are called as for any request. Sends no answer, tells no `auth` event, and uses no DPoP proof up:
   * whether one was used before is known only of facts with the `request` that a guard has judged.
   *
   * For development and support, not for every request: it costs more than a guard.
   *
   * @throws {@link ConfigurationError} for a requirement that cannot be right.
   */
  explain(request: RequestFacts, requirement?: Requirement<Claims>): Promise<Explanation>
  /**
   * As {@link ResourceServer.explain}, of a token outside of any request, as {@link ResourceServer.verify} judges it.
   *
   * @throws {@link ConfigurationError} for a requirement that cannot be right.
   */
  explainToken(token: string, requirement?: Requirement<Claims>): Promise<Explanation>
  /**
   * Refuses tokens that are not expired yet: one by `jti`, or those a user or a session has so far. Kept in
   * `revocationStore` for `revocationTtlSeconds`, and checked on every request. Does not tell the issuer.
   *
   * @throws {@link ConfigurationError} when it does not say what to revoke, or of which issuer of this server.
   * @throws {@link UnavailableError} when it could not be stored: the tokens still pass.
   */
  revoke(revocation: Revocation): Promise<void>
  /**
   * Answers an authorization server that reports the end of a session (OpenID Connect Back-Channel Logout 1.0), and
   * revokes the tokens of it. Needs `logoutAudience` of the issuer, and a form parser before it.
   *
   * @throws an {@link AuthError} of status 500, and nothing else, for a fault of the application, such as a form that
   * nothing parsed: hand it to the error channel of your framework. It is an `application.failed` event, too.
   */
  backchannelLogout(request: RequestFacts): Promise<HttpAnswer>
  /**
   * Answers requests for the protected-resource metadata (RFC 9728); `undefined` when the request is for something
   * else, which includes the documents of other servers. Never looks at `Host`.
   *
   * @throws {@link InternalError}, as a rejection, when `metadata.sign` throws or gives no text. One that takes more than
   * 5 s, or throws an {@link UnavailableError}, is 503.
   */
  metadata(request: RequestFacts): MaybePromise<HttpAnswer | undefined>
  /**
   * Serves the document of a resource at the root of the origin as well, where MCP clients look last, unless its
   * `atRoot` is false. `mcpGate` calls it for the only resource of a server.
   *
   * @throws {@link ConfigurationError} when the resource is unknown, or none is named and there are several.
   */
  serveMetadataAtRoot(resource?: string): void
  /** The metadata URL of a resource; of the only one when none is named. */
  metadataUrl(resource?: string): string
  /**
   * Fetches discovery documents and keys before traffic comes.
   *
   * @throws {@link UnavailableError} when an issuer cannot be reached.
   */
  warmUp(): Promise<void>
  /**
   * Adds a listener beside `onEvent`, until the function it gives is called. It gets the events of this server alone, not
   * those of clients and grants.
   */
  observe(listener: EventListener): () => void
  /** The state of keys, introspection and stores, for probes and dashboards. No network. */
  health(): ResourceServerHealth
  /** Makes the next use fetch keys anew: those of one issuer, or all. Known keys serve meanwhile. */
  invalidate(issuer?: string): void
}
