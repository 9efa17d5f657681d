import { AccessContext, ConfigurationError, createAdapterGate, mergeRequirements } from '../../src/adapter.js'
import type { Auth, Grant, Requirement } from '../../src/index.js'
import { currentRequest, runWithin, type Settings } from './current-auth.js'

/** What one decorator says. */
export interface Declared {
  readonly token: 'required' | 'public'
  readonly requirement?: Requirement | undefined
  readonly grants?: readonly Grant[] | undefined
}

type Method = (this: unknown, ...parameters: unknown[]) => unknown

/** Where a method was found. */
interface Place {
  /** Unknown to standard decorators, which have no metadata of parameters either. */
  readonly prototype?: object | undefined
  readonly name: string | symbol
  /** Whether its class is decorated, and not itself. */
  readonly outer?: true | undefined
}

/** All there is to know of one method with decorators. */
interface Guarded extends Place {
  readonly method: Method
  readonly declaredOutside: readonly Declared[]
  readonly declared: readonly Declared[]
}

const guarded = new WeakMap<Method, Guarded>()

/** The method behind its decorators: one function, however many there are. */
export function guardedMethod<Own extends (...parameters: never[]) => unknown>(
  method: Own,
  place: Place,
  added: Declared,
): Own {
  const {
    method: original,
    declared = [],
    declaredOutside = [],
  } = guarded.get(method as never) ?? { method: method as never }
  const own: Guarded = {
    ...place,
    method: original,
    declaredOutside: place.outer ? [added, ...declaredOutside] : declaredOutside,
    declared: place.outer ? declared : [added, ...declared],
  }
  const replacement = guard(own)
  guarded.set(replacement, own)
  return Object.defineProperties(replacement, {
    name: { value: method.name, configurable: true },
    length: { value: method.length, configurable: true },
  }) as unknown as Own
}

function guard({ method, prototype, name, declaredOutside, declared }: Guarded): Method {
  if (isPublic(name, declaredOutside, declared))
    return function open(...parameters) {
      return method.apply(this, parameters)
    }
  const compiled = new WeakMap<Settings, ReturnType<typeof compile>>()
  const injected = injectedParameters(prototype, name)

  function admissionFor(settings: Settings): ReturnType<typeof compile> {
    const known = compiled.get(settings) ?? compile([...declaredOutside, ...declared], settings)
    compiled.set(settings, known)
    return known
  }

  return async function guardedCall(...parameters) {
    const request = currentRequest()
    if (request === undefined) {
      throw new ConfigurationError(`'${String(name)}' was called outside of a request: mount withCurrentAuth(server).`)
    }
    const auth = await admissionFor(request.settings)(request.auth())
    for (const index of injected()) parameters[index] = auth.access
    return runWithin({ ...request, auth: () => auth }, () => method.apply(this, parameters))
  }
}

/** Compiles what the decorators of a method and its class say. */
function compile(declared: readonly Declared[], settings: Settings): (auth: Auth | undefined) => Promise<Auth> {
  const requirement = mergeRequirements(...declared.map((one) => one.requirement))
  const isEmpty = Object.keys(requirement).length === 0
  const grants = declared.flatMap((one) => one.grants ?? [])
  return createAdapterGate(settings.server, settings).demand(isEmpty ? undefined : requirement, grants)
}

/**
 * Whether no token is needed: the method's own decorators decide, the class's where it has none.
 *
 * @throws {@link ConfigurationError} for contradicting ones.
 */
function isPublic(name: string | symbol, outer: readonly Declared[], inner: readonly Declared[]): boolean {
  const nearest = inner.length > 0 ? inner : outer
  const open = nearest.filter(({ token }) => token === 'public')
  if (open.length === 0) return false
  if (open.length === nearest.length) return true
  throw new ConfigurationError(`'${String(name)}' is declared both public and required: say one.`)
}

/** What `reflect-metadata` adds, where it is loaded. */
interface MetadataReader {
  getMetadata?(key: string, target: object, name: string | symbol): readonly unknown[] | undefined
}

/**
 * The parameters of a method that are given the access its grants brought, by their types. Read at the first call: legacy
 * decorators below this one write the metadata later than it runs, or above it.
 */
function injectedParameters(prototype: object | undefined, name: string | symbol): () => readonly number[] {
  let known: readonly number[] | undefined
  return () => {
    known ??= typesOf(prototype, name).flatMap((type, index) => (type === AccessContext ? index : []))
    return known
  }
}

function typesOf(prototype: object | undefined, name: string | symbol): readonly unknown[] {
  if (prototype === undefined) return []
  return (Reflect as MetadataReader).getMetadata?.('design:paramtypes', prototype, name) ?? []
}
