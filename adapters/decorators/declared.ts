import { createGrantGuard } from '../../src/adapter.js'
import {
  type Auth,
  type AuthResult,
  ConfigurationError,
  type Grant,
  mergeRequirements,
  type Requirement,
} from '../../src/index.js'
import type { Settings } from './current-auth.js'

/** What one decorator says. */
export interface Declared {
  readonly token: 'required' | 'public'
  readonly requirement?: Requirement | undefined
  readonly grants?: readonly Grant[] | undefined
}

/** What a method demands, compiled for one server. */
export interface CompiledMethod {
  /** Undefined where nothing is demanded but a token, which the guard of the request has verified. */
  readonly requirement: Requirement | undefined
  readonly acquire: ((auth: Auth) => Promise<AuthResult>) | undefined
}

/**
 * Whether no token is needed: the method's own decorators decide, the class's where it has none.
 *
 * @throws {@link ConfigurationError} for contradicting ones.
 */
export function isPublic(name: string | symbol, outer: readonly Declared[], inner: readonly Declared[]): boolean {
  const nearest = inner.length > 0 ? inner : outer
  const open = nearest.filter(({ token }) => token === 'public')
  if (open.length === 0) return false
  if (open.length === nearest.length) return true
  throw new ConfigurationError(`'${String(name)}' is declared both public and required: say one.`)
}

/** Compiles what the decorators of a method and its class say. */
export function compile(declared: readonly Declared[], { server, grants, resource }: Settings): CompiledMethod {
  const requirement = mergeRequirements(...declared.map((one) => one.requirement))
  const demanded = declared.flatMap((one) => one.grants ?? [])
  return {
    requirement: Object.keys(requirement).length === 0 ? undefined : mergeRequirements({ resource }, requirement),
    acquire: demanded.length === 0 ? undefined : createGrantGuard(server, grants, demanded),
  }
}
