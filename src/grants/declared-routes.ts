/**
 * Whether the routes of an application say what they demand. For adapters whose framework shows its routes: they read
 * them and ask here. Runs no handler, and does not judge whether what a route demands is enough.
 */
import { ConfigurationError } from '../errors/index.js'

/** Guards, and what says that a route is public, of every adapter and server. */
const declarations = new WeakSet<object>()

/** Remembers a guard, or what says that a route is public, so that {@link isDeclaration} knows it. @group Adapters */
export function declares<Handler extends object>(handler: Handler): Handler {
  declarations.add(handler)
  return handler
}

/** Whether a handler is one that {@link declares} was told of. One that only calls a guard is not. @group Adapters */
export function isDeclaration(handler: unknown): boolean {
  return typeof handler === 'function' && declarations.has(handler)
}

/** What stands in front of a route, or of a router. @group Adapters */
export interface Ahead {
  /** Whether a guard that is mounted without a path stands there. */
  readonly isGuarded: boolean
  /** The full paths under which guards are mounted. */
  readonly guardedPaths: readonly string[]
}

/** A route, with the handlers of one method in their order. @group Adapters */
export interface DeclaredRoute {
  readonly method: string
  /** The full path, as it was written; `undefined` where it is not known, or is not text. */
  readonly path: string | undefined
  readonly handlers: readonly unknown[]
}

/**
 * Refuses a route with neither a declaration before its last handler nor one ahead of it. A guard behind it guards
 * nothing; handlers before the guard are taken for middleware, such as a form parser.
 *
 * @throws `ConfigurationError` that names the route.
 * @group Adapters
 */
export function checkDeclared({ method, path, handlers }: DeclaredRoute, ahead: Ahead): void {
  const last = handlers.map(isDeclaration).lastIndexOf(false)
  if (last === -1 || handlers.slice(0, last).some(isDeclaration) || isAhead(path, ahead)) return
  throw new ConfigurationError(
    `The route ${method} ${path ?? '(of a pattern)'} says nothing of tokens: put \`requireToken()\`, \`optionalToken()\` or \`publicRoute()\` before its handler, or in front of its router.`,
  )
}

/** Whether what stands at `path` is behind a guard. `undefined` is behind those without a path alone. @group Adapters */
export function isAhead(path: string | undefined, { isGuarded, guardedPaths }: Ahead): boolean {
  return isGuarded || (path !== undefined && guardedPaths.some((guarded) => isBelow(path, guarded)))
}

/**
 * Adds a guard that is mounted at `path`: to all there is for the root, to what is below it for plain segments and
 * `:names`. A guard at a pattern is passed over: what it covers cannot be told from its text.
 *
 * @group Adapters
 */
export function guardAt(path: string | undefined, ahead: Ahead): Ahead {
  if (path === '') return { ...ahead, isGuarded: true }
  const isPlain = path !== undefined && /^(?:\/:?[\w~.-]+)+$/.test(path)
  return isPlain ? { ...ahead, guardedPaths: [...ahead.guardedPaths, path] } : ahead
}

/** A slash that a `?` behind it makes optional begins no segment. */
function isBelow(path: string, guarded: string): boolean {
  return path === guarded || (path.startsWith(`${guarded}/`) && path[guarded.length + 1] !== '?')
}

/** @throws `ConfigurationError` where no route was found to look at: nothing would be checked. @group Adapters */
export function checkFound(routes: number): void {
  if (routes > 0) return
  throw new ConfigurationError('`requireDeclaration` found no route: call it behind the last one, with what has them.')
}
