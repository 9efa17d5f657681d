import {
  ConfigurationError,
  checkNames,
  createGrantGuard,
  mergeRequirements,
  type OptionalAuthResult,
  type RequestFacts,
} from '../../src/index.js'
import { declaredOf } from './decorators.js'
import type { PortcullisModuleOptions } from './options.js'

/** Judges a request by what one handler demands. */
export type Judge = (facts: RequestFacts) => Promise<OptionalAuthResult>

/** The gates of all handlers: `undefined` for a public one. */
export type Gates = (controller: object, handler: object) => Judge | undefined

const optionNames = ['grants', 'metadata', 'resource', 'server'] satisfies (keyof PortcullisModuleOptions)[]

/** Compiles what classes and methods declare, once for each handler of each class. */
export function createGates(options: PortcullisModuleOptions): Gates {
  checkNames('PortcullisModule', options, optionNames)
  const known = new WeakMap<object, WeakMap<object, { readonly judge: Judge | undefined }>>()
  return (controller, handler) => {
    const handlers = known.get(controller) ?? new WeakMap()
    const gate = handlers.get(handler) ?? { judge: compile(options, controller, handler) }
    known.set(controller, handlers.set(handler, gate))
    return gate.judge
  }
}

function compile(options: PortcullisModuleOptions, controller: object, handler: object): Judge | undefined {
  const { server, resource } = options
  const outer = declaredOf(controller)
  const inner = declaredOf(handler)
  const token = inner.token ?? outer.token ?? 'required'
  if (token === 'public') {
    if (inner.grants?.length) throw new ConfigurationError('A public handler has nobody to acquire `@Grant` for.')
    return undefined
  }
  const requirement = mergeRequirements({ resource }, outer.requirement, inner.requirement)
  const guard = token === 'optional' ? server.optionalGuard(requirement) : server.guard(requirement)
  const grants = [...(outer.grants ?? []), ...(inner.grants ?? [])]
  if (grants.length === 0) return guard
  const acquire = createGrantGuard(server, options.grants, grants)
  return async (facts) => {
    const admitted = await guard(facts)
    const acquired = admitted.ok ? await acquire(admitted.auth) : admitted
    return admitted.ok && acquired.ok ? { ...acquired, headers: admitted.headers } : acquired
  }
}
