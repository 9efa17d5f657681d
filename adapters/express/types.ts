import type { ErrorRequestHandler, Request, RequestHandler } from 'express'
import type { AccessTokenClaims, Auth, Grant, Grants, Requirement } from '../../src/index.js'
import type { RequestGuard } from './guarded-routes.js'

/** Options of {@link portcullis}. @group Express */
export interface ExpressOptions {
  /** The grant engine; needed for {@link ExpressGate.grant}. */
  readonly grants?: Grants | undefined
  /**
   * What to do with a refusal. `answer` (default) sends the complete answer. `next` hands the `AuthError` to the
   * application's error handler: `err.status` and `err.headers` say what the answer needs, challenges included, and
   * Express's own handler heeds both. Outside production that one also prints the stack, ours like any other. A fault of
   * the application (status 500, with its `cause`) goes to the error handler whatever this says.
   */
  readonly onError?: 'answer' | 'next' | undefined
  /** The resource of requirements that name none. Needed when the server guards several. */
  readonly resource?: string | undefined
}

/** A request behind {@link ExpressGate.requireToken}. @group Express */
export type AuthenticatedRequest<Claims = AccessTokenClaims> = Request & { readonly auth: Auth<Claims> }

/** Express middleware made of a resource server. @group Express */
export interface ExpressGate<Claims = AccessTokenClaims> {
  /** Serves the metadata documents. Mount it on the application, not on a router with a prefix. */
  metadata(): RequestHandler
  /**
   * Lets a request through that carries a good token, and puts {@link Auth} into `req.auth`. A CORS preflight gets
   * 204, and passes no guard: mount what answers it before.
   *
   * @throws `ConfigurationError` for a requirement that cannot be right, at once.
   */
  requireToken(requirement?: Requirement<Claims>): RequestGuard<{ readonly auth: Auth<Claims> }>
  /** As {@link ExpressGate.requireToken}, but a request without credentials passes with `req.auth` undefined. */
  optionalToken(requirement?: Requirement<Claims>): RequestGuard<{ readonly auth: Auth<Claims> | undefined }>
  /**
   * Acquires downstream tokens for the caller that a guard before it found: `req.auth.access` has them.
   *
   * @throws `ConfigurationError` for a grant that cannot be right, at once.
   */
  grant(...grants: Grant[]): RequestGuard<{ readonly auth: Auth<Claims> }>
  /**
   * An error handler, to be mounted behind the routes: an `AuthError` that a handler throws, such as that of a lazy grant
   * or of `server.check`, is answered as a guard would. Any other error, and a fault of the application, goes on to the
   * next error handler.
   */
  refusals(): ErrorRequestHandler
  /** What a guard mounted with `app.use` found out; for handlers whose own route names no guard. */
  authOf(req: Request): Auth<Claims> | undefined
}
