import { AsyncLocalStorage } from 'node:async_hooks'
import { adapterRules, checkOptions } from '../../src/adapter.js'
import { type AccessTokenClaims, Auth, type ResourceServer } from '../../src/index.js'
import type { CurrentAuthKoaMiddleware, CurrentAuthMiddleware, CurrentAuthOptions } from './types.js'

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
  return (request: Slot, _response, next) => storage.run({ settings, auth: () => callerIn(request) }, () => next())
}

/** As {@link withCurrentAuth}, for Koa (`ctx.state.auth`). @group Decorators */
export function withCurrentAuthInKoa<Claims>(
  server: ResourceServer<Claims>,
  options: CurrentAuthOptions = {},
): CurrentAuthKoaMiddleware {
  const settings = settingsOf('withCurrentAuthInKoa', server, options)
  return (context: object, next) =>
    storage.run({ settings, auth: () => callerIn((context as { readonly state: Slot }).state) }, next)
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

/** Where an adapter puts the caller. */
interface Slot {
  readonly auth?: unknown
}

/** What others put there is nobody. */
function callerIn({ auth }: Slot): Auth | undefined {
  return auth instanceof Auth ? auth : undefined
}
