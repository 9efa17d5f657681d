import {
  adapterRules,
  ConfigurationError,
  checkOptions,
  createGrantGuard,
  flag,
  func,
  members,
  mergeRequirements,
  object,
  required,
  text,
} from '../../src/adapter.js'
import type { Auth, AuthResult, Grant, OptionalAuthResult, RequestFacts, Requirement } from '../../src/index.js'
import type { HealthPaths, PortcullisModuleOptions } from './module-options.js'

/** What the decorators of one class or one method say. */
export interface Declared {
  readonly token?: 'required' | 'optional' | 'public' | undefined
  // biome-ignore lint/suspicious/noExplicitAny: each decorator types its own claims.
  readonly requirement?: Requirement<any> | undefined
  readonly grants?: readonly Grant[] | undefined
  /** Whether some of the grants are its own, and not inherited. */
  readonly hasOwnGrants?: boolean | undefined
}

const key = Symbol.for('portcullis.declared')

/** Reads what the decorators of a class or a method say; `undefined` where it has none, inherited ones included. */
export function declaredOf(target: object): Declared | undefined {
  return Reflect.getMetadata(key, target)
}

/** Reads what the decorators of a class or a method itself say, without what it inherits. */
export function ownDeclaredOf(target: object): Declared | undefined {
  return Reflect.getOwnMetadata(key, target)
}

/** Writes what the decorators of a class or a method say. */
export function setDeclared(target: object, declared: Declared): void {
  Reflect.defineMetadata(key, declared, target)
}

/** What stands before one handler. */
export interface Gate {
  /** Finds out who calls, or holds whom another handler of the same connection let through against what this one demands. */
  identify(facts: RequestFacts, known?: Auth): Promise<OptionalAuthResult>
  /** Acquires the downstream tokens it declares. */
  readonly acquire: ((auth: Auth | undefined) => Promise<AuthResult>) | undefined
}

/** The gates of all handlers: `undefined` for a public one. */
export type Gates = (host: object, handler: object) => Gate | undefined

/** Where the gates of all handlers are injected from. */
export const gatesToken = Symbol('PortcullisModule, which the root module has to import')

/** Compiles what classes and methods declare, once for each handler of each class. */
export function createGates(options: PortcullisModuleOptions): Gates {
  checkOptions<PortcullisModuleOptions>('PortcullisModule', options, {
    ...adapterRules,
    server: required(object),
    facts: func,
    health: members<HealthPaths>({ ready: text, live: text, details: flag }),
    metadata: flag,
    requireDeclaration: flag,
  })
  return oncePerHandler((host, handler) => compile(options, host, handler))
}

/** Remembers what `compile` made of each handler of each class. */
export function oncePerHandler<Compiled>(
  compile: (host: object, handler: object) => Compiled,
): (host: object, handler: object) => Compiled {
  const known = new WeakMap<object, WeakMap<object, { readonly compiled: Compiled }>>()
  return (host, handler) => {
    const handlers = known.get(host) ?? new WeakMap<object, { readonly compiled: Compiled }>()
    const entry = handlers.get(handler) ?? { compiled: compile(host, handler) }
    known.set(host, handlers.set(handler, entry))
    return entry.compiled
  }
}

function compile(options: PortcullisModuleOptions, host: object, handler: object): Gate | undefined {
  const { server, resource } = options
  const outer = declaredOf(host)
  const inner = declaredOf(handler)
  const token = inner?.token ?? outer?.token ?? 'required'
  if (token === 'public') {
    const isOpenedWithGrants = inner?.hasOwnGrants || (inner?.token === undefined && outer?.hasOwnGrants)
    if (isOpenedWithGrants) throw new ConfigurationError('A public handler has no caller to acquire `@Grant` for.')
    return undefined
  }
  const requirement = mergeRequirements({ resource }, outer?.requirement, inner?.requirement)
  const guard = token === 'optional' ? server.optionalGuard(requirement) : server.guard(requirement)
  const grants = [...(outer?.grants ?? []), ...(inner?.grants ?? [])]
  return {
    async identify(facts, known) {
      if (known === undefined) return guard(facts)
      try {
        await server.checkAsync(known, requirement)
        return { ok: true, auth: known, headers: {} }
      } catch (error) {
        return server.refuse(error, known)
      }
    },
    acquire: grants.length === 0 ? undefined : createGrantGuard(server, options.grants, grants),
  }
}
