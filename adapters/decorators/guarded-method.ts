import { type Auth, ConfigurationError, MissingTokenError } from '../../src/index.js'
import { type CurrentRequest, currentRequest, runWithin, type Settings } from './current-auth.js'
import { type CompiledMethod, compile, type Declared, isPublic } from './declared.js'
import { injectedParameters } from './injected-parameters.js'

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
  const compiled = new WeakMap<Settings, CompiledMethod>()
  const injected = injectedParameters(prototype, name)

  function compiledFor(settings: Settings): CompiledMethod {
    const known = compiled.get(settings) ?? compile([...declaredOutside, ...declared], settings)
    compiled.set(settings, known)
    return known
  }

  return async function guardedCall(...parameters) {
    const request = currentRequest()
    if (request === undefined) {
      throw new ConfigurationError(`'${String(name)}' was called outside of a request: mount withCurrentAuth(server).`)
    }
    const auth = await admit(request, compiledFor(request.settings))
    for (const index of injected()) parameters[index] = auth.access
    return runWithin({ ...request, auth: () => auth }, () => method.apply(this, parameters))
  }
}

async function admit(request: CurrentRequest, { requirement, acquire }: CompiledMethod): Promise<Auth> {
  const auth = request.auth()
  if (auth === undefined) throw new MissingTokenError()
  if (requirement !== undefined) await request.settings.server.checkAsync(auth, requirement)
  if (acquire === undefined) return auth
  const acquired = await acquire(auth)
  if (!acquired.ok) throw acquired.error
  return acquired.auth
}
