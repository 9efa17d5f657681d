import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyRequest,
  onRequestHookHandler,
  onRouteHookHandler,
} from 'fastify'
import { nodeRequestFacts } from '../../src/adapter.js'
import {
  type AuthError,
  ConfigurationError,
  InternalError,
  type RequestFacts,
  type ResourceServer,
} from '../../src/index.js'
import { sendAnswer } from './reply.js'
import type { AuthClaims, GuardHook, RouteAuth } from './types.js'

/** What a route had as `onRequest` before its guards were put there. */
const guarded = Symbol('portcullis.guarded')
type GuardedConfig = FastifyContextConfig & { readonly [guarded]?: readonly onRequestHookHandler[] }

/** The facts of a request, with the URL the client asked for and the form that a parser left. */
export function factsOf({ raw, originalUrl, body }: FastifyRequest): RequestFacts {
  const { method, headers, rawHeaders, socket } = raw
  return nodeRequestFacts({ method, url: originalUrl, headers, rawHeaders, socket, body })
}

/**
 * Compiles what routes declare when they are added. Their guards run after the hooks of the instance, so that fields of
 * CORS and the like are set by then, and before the route's own. Where the plugin is registered in a scope and in one
 * around it, that of the inner scope guards, which comes last.
 */
export function routeGuards(hooksOf: (declared: RouteAuth) => readonly GuardHook[]): onRouteHookHandler {
  return (route) => {
    const declared = route.config?.portcullis
    if (declared === undefined) return
    const { [guarded]: own = [route.onRequest ?? []].flat() }: GuardedConfig = route.config ?? {}
    route.onRequest = [...hooksOf(declared), ...own]
    const config: GuardedConfig = { ...route.config, [guarded]: own }
    route.config = config
  }
}

/** Fastify shows clients the message of every error, so that a mistake is the cause of one with nothing to show. */
export function toFault(error: AuthError): InternalError {
  return error instanceof InternalError ? error : new InternalError(error)
}

/** A route added before the plugin was loaded, or outside of its scope, has no guard: it must not be open for that. */
export const refuseUnguarded: onRequestHookHandler = (request, _reply, done) => {
  const config: GuardedConfig = request.routeOptions.config
  if (config.portcullis === undefined || config[guarded] !== undefined) return done()
  const mistake =
    'Write `await app.register(portcullis, …)` before the routes it guards, in their scope or one around it.'
  done(toFault(new ConfigurationError(mistake)))
}

/** Answers before routing matters: the documents are at the root of the origin, and so are their errors. */
export function serveMetadata(server: ResourceServer<AuthClaims>): onRequestHookHandler {
  return (request, reply, done) => {
    const answer = server.metadata(factsOf(request))
    if (answer === undefined) return done()
    Promise.resolve(answer).then((ready) => (ready === undefined ? done() : sendAnswer(reply, ready)), done)
  }
}

/** The outermost instance: Fastify makes the others with it as their prototype. */
export function atRoot(instance: FastifyInstance): FastifyInstance {
  const parent = Object.getPrototypeOf(instance)
  return 'addHook' in parent ? atRoot(parent) : instance
}
