import type { ErrorRequestHandler, IRouter, NextFunction, Request, RequestHandler, Response } from 'express'
import type { ParamsDictionary, PathParams, RouteParameters } from 'express-serve-static-core'
import type { AdapterOptions, HealthOptions } from '../../src/adapter.js'
import type { AccessTokenClaims, Auth, Grant, Requirement } from '../../src/index.js'

/** Options of {@link portcullis}. @group Express */
export interface ExpressOptions extends AdapterOptions {
  /**
   * What to do with a refusal. `answer` (default) sends the complete answer. `next` hands the `AuthError` to the
   * application's error handler: `err.status` and `err.headers` say what the answer needs, challenges included, and
   * Express's own handler heeds both. Outside production that one also prints the stack, ours like any other. A fault of
   * the application (status 500, with its `cause`) goes to the error handler whatever this says.
   */
  readonly onError?: 'answer' | 'next' | undefined
}

/** A request behind {@link ExpressGate.requireToken}. @group Express */
export type AuthenticatedRequest<Claims = AccessTokenClaims> = Request & { readonly auth: Auth<Claims> }

/** Express middleware made of a resource server. @group Express */
export interface ExpressGate<Claims = AccessTokenClaims> {
  /** Serves the metadata documents. Mount it on the application, not on a router with a prefix. */
  metadata(): RequestHandler
  /**
   * Answers the probes of a platform: `app.get('/readyz', gate.health())`. Demands no token: keep it from the outside.
   *
   * @throws `ConfigurationError` for a wrong option, at once.
   */
  health(options?: HealthOptions): RequestHandler
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
  /**
   * Refuses to start unless every route says what it demands: by a guard or {@link ExpressGate.publicRoute} before its
   * handler, or by one in front of its router. Call it behind the last route, with the application or a router. It sees
   * routes and routers, and no middleware that answers by itself, such as `express.static`.
   *
   * @throws `ConfigurationError` that names the first route without, and where there is no route at all.
   */
  requireDeclaration(app: IRouter): void
  /** Says for {@link ExpressGate.requireDeclaration} that what follows is for everybody. Does nothing else. */
  publicRoute(): RequestHandler
  /** Who a guard has found to be calling; for handlers whose own route names no guard, mounted with `app.use` say. */
  authOf(req: Request): Auth<Claims> | undefined
}

declare const adds: unique symbol

/**
 * Express middleware that adds members to the request. Handlers that follow it in one route call see them, with their
 * types; handlers of other routes do not, so forgetting the guard is a compile error where `req.auth` is used.
 *
 * @group Express
 */
export interface RequestGuard<Added> extends RequestHandler {
  /** For the type checker only: there is no such property at run time. */
  readonly [adds]: Added
}

/** A handler behind a {@link RequestGuard}. @group Express */
export type GuardedHandler<Added, Params = ParamsDictionary> = (
  req: Request<Params> & Added,
  res: Response,
  next: NextFunction,
) => unknown

/**
 * Only route methods gain overloads; `Request` itself stays as it is, so that `auth` clashes with no other library's.
 * Express has no type parameter a guard could widen the request through, hence the augmentation. Overloads with a guard
 * fail on its symbol before a handler's parameters are typed, so routes without one infer as ever.
 */
declare module 'express-serve-static-core' {
  interface IRouterMatcher<T> {
    <Route extends string, First, Second>(
      path: Route,
      first: RequestGuard<First>,
      second: RequestGuard<Second>,
      handler: GuardedHandler<First & Second, RouteParameters<Route>>,
    ): T
    <Route extends string, Added>(
      path: Route,
      guard: RequestGuard<Added>,
      ...handlers: GuardedHandler<Added, RouteParameters<Route>>[]
    ): T
    <Added>(path: PathParams, guard: RequestGuard<Added>, ...handlers: GuardedHandler<Added>[]): T
    <Route extends string, Added>(
      path: Route,
      before: RequestHandler,
      guard: RequestGuard<Added>,
      ...handlers: GuardedHandler<Added, RouteParameters<Route>>[]
    ): T
  }
  interface IRouterHandler<T> {
    <First, Second>(
      first: RequestGuard<First>,
      second: RequestGuard<Second>,
      handler: GuardedHandler<First & Second>,
    ): T
    <Added>(guard: RequestGuard<Added>, ...handlers: GuardedHandler<Added>[]): T
  }
}
