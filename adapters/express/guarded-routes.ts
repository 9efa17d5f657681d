import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { ParamsDictionary, PathParams, RouteParameters } from 'express-serve-static-core'

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
 * Only route methods gain overloads; `Request` itself stays as it is, so that `auth` clashes with nobody else's. Express
 * has no type parameter a guard could widen the request through, hence the augmentation. Overloads with a guard fail on
 * its symbol before a handler's parameters are typed, so routes without one infer as ever.
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
