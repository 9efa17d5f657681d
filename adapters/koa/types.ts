import type { Middleware } from 'koa'
import type { AccessTokenClaims, Auth, Grant, Grants, Requirement } from '../../src/index.js'

/** Options of {@link portcullis}. @group Koa */
export interface KoaOptions {
  /** The grant engine; needed for {@link KoaGate.grant}. */
  readonly grants?: Grants | undefined
  /**
   * What to do with a refusal. `answer` (default) sends the complete answer. `throw` throws the `AuthError`: its
   * `status` and `headers` say what the answer needs, challenges included, and Koa's own handler heeds both. A fault of
   * the application (status 500, with its `cause`) is thrown whatever this says.
   */
  readonly onError?: 'answer' | 'throw' | undefined
  /** The resource of requirements that name none. Needed when the server guards several. */
  readonly resource?: string | undefined
}

/**
 * Middleware that adds `auth` to `ctx.state`. Handlers that follow it in one call of `router.get` and the like see it
 * with its type.
 *
 * @group Koa
 */
export type KoaGuard<Identity> = Middleware<{ readonly auth: Identity }>

/** Koa middleware made of a resource server. @group Koa */
export interface KoaGate<Claims = AccessTokenClaims> {
  /** Serves the metadata documents. Use it on the application itself, not on one that is mounted below a path. */
  metadata(): Middleware
  /**
   * Lets a request through that carries a good token, and puts {@link Auth} into `ctx.state.auth`. A CORS preflight
   * gets 204, and passes no guard: mount what answers it before.
   *
   * @throws `ConfigurationError` for a requirement that cannot be right, at once.
   */
  requireToken(requirement?: Requirement<Claims>): KoaGuard<Auth<Claims>>
  /** As {@link KoaGate.requireToken}, but a request without credentials passes with `ctx.state.auth` undefined. */
  optionalToken(requirement?: Requirement<Claims>): KoaGuard<Auth<Claims> | undefined>
  /**
   * Acquires downstream tokens for the caller that a guard before it found: `ctx.state.auth.access` has them.
   *
   * @throws `ConfigurationError` for a grant that cannot be right, at once.
   */
  grant(...grants: Grant[]): KoaGuard<Auth<Claims>>
  /**
   * To be used before the routes: an `AuthError` that a handler throws, such as that of a lazy grant or of
   * `server.check`, is answered as a guard would. Any other error, and a fault of the application, is thrown on.
   */
  refusals(): Middleware
}
