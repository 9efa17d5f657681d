import { AsyncLocalStorage } from 'node:async_hooks'
import { type AdapterOptions, adapterRules, authIn, checkOptions } from '../../src/adapter.js'
import type { AccessTokenClaims, Auth, ResourceServer } from '../../src/index.js'

/** Options of `withCurrentAuth` and `runWithAuth`. @group Decorators */
export interface CurrentAuthOptions extends AdapterOptions {}

/**
 * Middleware for Express and Connect, and a Fastify hook: `preHandler`, so that no body parser stands between.
 *
 * @group Decorators
 */
export type CurrentAuthMiddleware = (request: object, response: object, next: () => void) => void

/** Middleware for Koa. @group Decorators */
export type CurrentAuthKoaMiddleware = (context: object, next: () => Promise<unknown>) => Promise<unknown>

/** What decorated methods are compiled for. */
export interface Settings extends CurrentAuthOptions {
  readonly server: ResourceServer
}

/** What decorated methods go by while a request is handled. */
export interface CurrentRequest {
  readonly settings: Settings
  auth(): Auth | undefined
}

const storage = new AsyncLocalStorage<CurrentRequest>()

/** The request being handled, if anything told. */
export function currentRequest(): CurrentRequest | undefined {
  return storage.getStore()
}

/** Runs `work` as part of a request. */
export function runWithin<Result>(request: CurrentRequest, work: () => Result): Result {
  return storage.run(request, work)
}

/**
 * Who calls, as the guard of the request has found out, anywhere below {@link withCurrentAuth} or {@link runWithAuth};
 * `undefined` for an anonymous caller and outside of both. Below a method with `@Grant`, `access` is filled.
 *
 * @group Decorators
 */
export function currentAuth<Claims = AccessTokenClaims>(): Auth<Claims> | undefined {
  return currentRequest()?.auth() as Auth<Claims> | undefined
}

/**
 * Makes the caller known to `currentAuth()` and to decorated methods for the rest of the request. Verifies nothing: a
 * guard of the framework's own adapter does, before it. For Express and Connect (`req.auth`) and Fastify
 * (`request.auth`).
 *
 * @group Decorators
 */
export function withCurrentAuth<Claims>(
  server: ResourceServer<Claims>,
  options: CurrentAuthOptions = {},
): CurrentAuthMiddleware {
  const settings = settingsOf('withCurrentAuth', server, options)
  return (request, _response, next) => storage.run({ settings, auth: () => authIn(request) }, () => next())
}

/** As {@link withCurrentAuth}, for Koa (`ctx.state.auth`). @group Decorators */
export function withCurrentAuthInKoa<Claims>(
  server: ResourceServer<Claims>,
  options: CurrentAuthOptions = {},
): CurrentAuthKoaMiddleware {
  const settings = settingsOf('withCurrentAuthInKoa', server, options)
  return (context: object, next) =>
    storage.run({ settings, auth: () => authIn((context as { readonly state: object }).state) }, next)
}

/**
 * Runs `work` on behalf of a caller outside of any framework: for tests, queue consumers and sockets, with the `auth`
 * that `server.verify` gave.
 *
 * @group Decorators
 */
export function runWithAuth<Claims, Result>(
  server: ResourceServer<Claims>,
  auth: Auth<Claims> | undefined,
  work: () => Result,
  options: CurrentAuthOptions = {},
): Result {
  const caller = auth as Auth | undefined
  return storage.run({ settings: settingsOf('runWithAuth', server, options), auth: () => caller }, work)
}

function settingsOf<Claims>(place: string, server: ResourceServer<Claims>, options: CurrentAuthOptions): Settings {
  checkOptions<CurrentAuthOptions>(place, options, adapterRules)
  return { ...options, server: server as ResourceServer }
}
