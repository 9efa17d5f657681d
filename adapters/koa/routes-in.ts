import { type Ahead, checkDeclared, checkFound, guardAt, isDeclaration } from '../../src/adapter.js'

/** What `@koa/router` keeps of a route, or of a call of `use`, which has no methods. */
interface Layer {
  readonly path: unknown
  readonly methods: readonly string[]
  readonly stack: readonly unknown[]
  readonly opts: { readonly end?: boolean }
}

interface Router {
  readonly stack: readonly Layer[]
  /** Runs one layer of those that match, so that guards in front of a route are passed over. */
  readonly exclusive?: boolean
}

interface Application {
  readonly middleware: readonly { readonly router?: Router }[]
}

const nothingAhead: Ahead = { isGuarded: false, guardedPaths: [] }
/** What `@koa/router` writes for middleware without a path, in its releases from 10 to 15. */
const anywhere = /(?:\(\?:\\\/\|\$\)|\(\[\^\/\]\*\)|\/?\(\.\*\)|\{\/\*rest\})$/

/**
 * Looks at every route of an application with routers of `@koa/router`, or of one such router.
 *
 * @throws `ConfigurationError` for a route that says nothing, and where there is no route.
 */
export function checkRoutes(routed: object): void {
  checkFound('stack' in routed ? checkRouter(routed as Router, nothingAhead) : checkApplication(routed as Application))
}

/** How many routes there are. */
function checkApplication({ middleware }: Application): number {
  let ahead = nothingAhead
  let routes = 0
  for (const one of middleware) {
    if (isDeclaration(one)) ahead = guardAt('', ahead)
    else if (one.router !== undefined) routes += checkRouter(one.router, ahead)
  }
  return routes
}

/** How many routes there are. Those of nested routers are among them, with their full paths. */
function checkRouter({ stack, exclusive = false }: Router, outside: Ahead): number {
  let ahead = outside
  const routes = stack.filter(({ methods }) => methods.length > 0)
  for (const layer of stack) {
    const { path, methods, stack: handlers } = layer
    const text = typeof path === 'string' ? path.replace(/\/$/, '') : undefined
    if (methods.length > 0) checkDeclared({ method: methodsOf(methods), path: text, handlers }, ahead)
    else if (!exclusive && handlers.some(isDeclaration)) ahead = guardAt(coveredBy(layer), ahead)
  }
  return routes.length
}

/** The path that middleware is mounted at with all that is below it; `undefined` where it is at one path alone. */
function coveredBy({ path, opts }: Layer): string | undefined {
  return typeof path === 'string' && opts.end === false ? path.replace(anywhere, '') : undefined
}

function methodsOf(methods: readonly string[]): string {
  const named = methods.filter((method) => method !== 'HEAD')
  return named.length > 8 ? 'ALL' : named.join(', ')
}
