import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyRequest,
  onRequestHookHandler,
  RouteOptions,
  RouteShorthandOptions,
} from 'fastify'
import { ConfigurationError, InternalError, misspelt } from '../../src/adapter.js'
import type { AuthError, MaybePromise } from '../../src/index.js'
import type { GuardHook, RouteAuth } from './route-auth.js'

/** What a route had as `onRequest` before its guard was put there. */
const guarded = Symbol('portcullis.guarded')
type GuardedConfig = FastifyContextConfig & { readonly [guarded]?: readonly onRequestHookHandler[] }
type Route = RouteOptions & RouteShorthandOptions

/** Every hook of ours, of all instances of the plugin. */
const guardHooks = new WeakSet<object>()
/** The hooks that Fastify runs before the handler. */
const early: readonly string[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']
/** What routes are told by, or somebody might think so. */
const names = ['portcullis', 'requireToken', 'optionalToken']

/** Remembers a hook as a guard. */
export function guardHook(hook: GuardHook): GuardHook {
  guardHooks.add(hook)
  return hook
}

/**
 * Goes on with a request once it is judged: by `done`, or by a promise where there is none. In `preParsing` the third
 * argument is the body, and a hook that calls a guard may give none.
 *
 * @param settle - gives the reply where it is sent, `undefined` where the request may go on.
 */
export function goOn<Result>(
  judged: MaybePromise<Result>,
  settle: (result: Result) => unknown,
  done: unknown,
): Promise<unknown> | undefined {
  if (typeof done !== 'function') return settleLater(judged, settle)
  const go = (result: Result): void => {
    let sent: unknown
    try {
      sent = settle(result)
    } catch (error) {
      done(error)
      return
    }
    if (sent === undefined) done()
  }
  if (judged instanceof Promise) judged.then(go, (error) => done(error))
  else go(judged)
  return undefined
}

async function settleLater<Result>(judged: MaybePromise<Result>, settle: (result: Result) => unknown) {
  return settle(await judged)
}

/**
 * Refuses a route with an option that has no effect and was meant to guard it. Fastify takes any name, so a misspelt one
 * would leave the route open.
 *
 * @throws {@link ConfigurationError}
 */
export function checkRoute(route: Route, requireDeclaration: boolean | undefined): void {
  const place = `The route ${[route.method].flat().join(', ')} ${route.url}`
  const config = route.config ?? {}
  const stray =
    Object.keys(route).find(isLikeOurs) ?? Object.keys(config).find((name) => name !== 'portcullis' && isLikeOurs(name))
  if (stray !== undefined) {
    throw new ConfigurationError(`${place} has \`${stray}\`, which has no effect: write \`config: { portcullis: … }\`.`)
  }
  const guards = Object.entries(route).filter(([, hooks]) => hasGuard(hooks))
  const late = guards.find(([name]) => !early.includes(name))
  if (late !== undefined) {
    throw new ConfigurationError(`${place} has a guard as \`${late[0]}\`, which guards nothing: write \`onRequest\`.`)
  }
  if (requireDeclaration !== true || config.portcullis !== undefined || guards.length > 0) return
  throw new ConfigurationError(
    `${place} says nothing of tokens: write \`config: { portcullis: {} }\`, or \`'public'\` in the place of \`{}\`.`,
  )
}

function isLikeOurs(name: string): boolean {
  return names.includes(name) || misspelt(name, names) !== undefined
}

function hasGuard(hooks: unknown): boolean {
  return [hooks].flat().some((hook) => guardHooks.has(hook as object))
}

/**
 * Compiles what a route declares when it is added. Its guard runs after the hooks of the instance, so that fields of CORS
 * and the like are set by then, and before the route's own. Where the plugin is registered in a scope and in one around
 * it, that of the inner scope guards, which comes last.
 *
 * @throws {@link ConfigurationError}
 */
export function guardRoute(route: Route, hookOf: (declared: RouteAuth) => GuardHook): void {
  const declared = route.config?.portcullis
  if (declared === undefined) return
  const { [guarded]: own = [route.onRequest ?? []].flat() }: GuardedConfig = route.config ?? {}
  const config: GuardedConfig = { ...route.config, [guarded]: own }
  route.config = config
  if (declared === 'public') return
  if (typeof declared !== 'object' || declared === null || Array.isArray(declared)) {
    throw new ConfigurationError(
      "`config.portcullis` takes a requirement, such as `{ scope: 'profile' }`, or 'public'.",
    )
  }
  route.onRequest = [hookOf(declared), ...own]
}

/** Fastify shows clients the message of every error, so that a mistake is the cause of one with nothing to show. */
export function toFault(error: AuthError): InternalError {
  return error instanceof InternalError ? error : new InternalError(error)
}

/** A route added before the plugin was loaded, or outside of its scope, has no guard: it must not be open for that. */
export function unguardedFault(request: FastifyRequest): InternalError | undefined {
  const config: GuardedConfig = request.routeOptions.config
  if (config.portcullis === undefined || config[guarded] !== undefined) return undefined
  const mistake =
    'Write `await app.register(portcullis, …)` before the routes it guards, in their scope or one around it.'
  return toFault(new ConfigurationError(mistake))
}

/** The outermost instance: Fastify makes the others with it as their prototype. */
export function atRoot(instance: FastifyInstance): FastifyInstance {
  const parent = Object.getPrototypeOf(instance)
  return 'addHook' in parent ? atRoot(parent) : instance
}
