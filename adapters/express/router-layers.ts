import {
  type Ahead,
  ConfigurationError,
  checkDeclared,
  checkFound,
  guardAt,
  isAhead,
  isDeclaration,
} from '../../src/adapter.js'

/** What Express 4 and 5 keep of a call of `use`, or of a route. Not documented by either, and alike for many years. */
interface Layer {
  readonly name: string
  readonly handle: { readonly stack?: readonly Layer[] }
  readonly route?: Route | undefined
  /** Express 5. */
  readonly rawPath?: unknown
  readonly slash?: boolean
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean }
}

interface Route {
  readonly path: unknown
  /** Without a method: of `all`. */
  readonly stack: readonly { readonly method?: string | undefined; readonly handle: unknown }[]
}

/** An application, or a router: what has routes. */
interface Routed {
  readonly stack?: readonly Layer[]
  /** Express 4, whose `router` throws. */
  readonly _router?: Routed
  readonly lazyrouter?: unknown
  /** Express 5. */
  readonly router?: Routed
}

const nothingAhead: Ahead = { isGuarded: false, guardedPaths: [] }

/**
 * Looks at every route of an application or router, and of the routers in it.
 *
 * @throws `ConfigurationError` for a route that says nothing, for an application mounted without a guard in front of it,
 * and where there is no route.
 */
export function checkRoutes(routed: object): void {
  checkFound(checkLayers(stackOf(routed as Routed), '', nothingAhead))
}

function stackOf(routed: Routed): readonly Layer[] {
  if (routed.stack !== undefined) return routed.stack
  const router = routed._router ?? (routed.lazyrouter === undefined ? routed.router : undefined)
  return router?.stack ?? []
}

/** How many routes there are. */
function checkLayers(layers: readonly Layer[], prefix: string | undefined, outside: Ahead): number {
  let ahead = outside
  let routes = 0
  for (const layer of layers) {
    if (!isDeclaration(layer.handle)) routes += checkLayer(layer, prefix, ahead)
    else if (mountsAtRoot(layer)) ahead = guardAt('', ahead)
    else ahead = pathsOf(prefix, pathOf(layer)).reduce((known, path) => guardAt(path, known), ahead)
  }
  return routes
}

/** What is ahead of a router is ahead of each of its routes, whatever their paths. */
function checkLayer(layer: Layer, prefix: string | undefined, ahead: Ahead): number {
  const { route, handle, name } = layer
  if (route !== undefined) return checkRoute(route, prefix, ahead)
  const paths = pathsOf(prefix, pathOf(layer))
  const isGuarded = paths.every((path) => isAhead(path, ahead))
  const [path] = paths.length === 1 ? paths : []
  if (handle.stack !== undefined) return checkLayers(handle.stack, path, isGuarded ? guardAt('', ahead) : ahead)
  if (name !== 'mounted_app') return 0
  return isGuarded ? 1 : refuseMounted(path)
}

/** How many routes there are: one, or none where it has no handler yet. */
function checkRoute({ path: given, stack }: Route, prefix: string | undefined, ahead: Ahead): number {
  const methods = new Set(stack.map(({ method }) => method))
  for (const method of methods) {
    const name = method === undefined || methods.size > 8 ? 'ALL' : method.toUpperCase()
    const own = stack.filter((layer) => layer.method === undefined || layer.method === method)
    const handlers = own.map(({ handle }) => handle)
    for (const path of pathsOf(prefix, given)) checkDeclared({ method: name, path, handlers }, ahead)
  }
  return Math.min(1, stack.length)
}

function mountsAtRoot({ slash, regexp }: Layer): boolean {
  return slash === true || regexp?.fast_slash === true
}

/** Express 4 keeps only the expression a path became: that of a plain path can be read back. */
function pathOf(layer: Layer): unknown {
  if (mountsAtRoot(layer)) return ''
  if (layer.rawPath !== undefined) return layer.rawPath
  const plain = /^\^((?:\\\/(?:[\w~-]|\\\.)+)+)\\\/\?\(\?=\\\/\|\$\)$/.exec(`${layer.regexp?.source}`)
  return plain?.[1]?.replaceAll('\\', '')
}

/** The full paths of a path or a list of them; `undefined` for one that is not known. */
function pathsOf(prefix: string | undefined, given: unknown): readonly (string | undefined)[] {
  return [given].flat().map((path) => {
    if (prefix === undefined || typeof path !== 'string') return undefined
    return `${prefix}${path}`.replace(/\/$/, '')
  })
}

function refuseMounted(path: string | undefined): never {
  throw new ConfigurationError(
    `The application mounted at ${path ?? 'a pattern'} cannot be looked into from here: mount an express.Router() instead, or put a guard or \`publicRoute()\` in front of it and give it to \`requireDeclaration\` by itself.`,
  )
}
