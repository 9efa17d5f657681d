import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyRequest,
  onRequestHookHandler,
  onRouteHookHandler,
} from 'fastify'
import { ConfigurationError, nodeRequestFacts, type RequestFacts, type ResourceServer } from '../../src/index.js'
import { sendAnswer } from './reply.js'
import type { AuthClaims, GuardHook, RouteAuth } from './types.js'

const guarded = Symbol('portcullis.guarded')
type GuardedConfig = FastifyContextConfig & { readonly [guarded]?: true }

/** The facts of a request, with the URL the client asked for and the form that a parser left. */
export function factsOf({ raw, originalUrl, body }: FastifyRequest): RequestFacts {
  const { method, headers, rawHeaders, socket } = raw
  return nodeRequestFacts({ method, url: originalUrl, headers, rawHeaders, socket, body })
}

/**
 * Compiles what routes declare when they are added. Their guards run after the hooks of the instance, so that fields of
 * CORS and the like are set by then, and before the route's own.
 */
export function routeGuards(hooksOf: (declared: RouteAuth) => readonly GuardHook[]): onRouteHookHandler {
  return (route) => {
    const declared = route.config?.portcullis
    if (declared === undefined) return
    route.onRequest = [...hooksOf(declared), ...[route.onRequest ?? []].flat()]
    const config: GuardedConfig = { ...route.config, [guarded]: true }
    route.config = config
  }
}

/** A route added before the plugin was loaded, or outside of its scope, has no guard: it must not be open for that. */
export function refuseUnguarded(server: ResourceServer<AuthClaims>): onRequestHookHandler {
  return (request, reply, done) => {
    const config: GuardedConfig = request.routeOptions.config
    if (config.portcullis === undefined || config[guarded] === true) return done()
    const mistake = new ConfigurationError(
      'Write `await app.register(portcullis, …)` before the routes it guards, in their scope or one around it.',
    )
    request.log.error(mistake)
    sendAnswer(reply, server.refuse(mistake).answer)
  }
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
