/**
 * Decorators for controllers of any framework, legacy or standard, and the caller of the current request.
 *
 * @module
 */
import type { Grant as DeclaredGrant, Requirement } from '../../src/index.js'
import { type Declared, guardedMethod } from './guarded-method.js'

export {
  type CurrentAuthKoaMiddleware,
  type CurrentAuthMiddleware,
  type CurrentAuthOptions,
  currentAuth,
  runWithAuth,
  withCurrentAuth,
  withCurrentAuthInKoa,
} from './current-auth.js'

/** A class of any kind. @group Decorators */
export type AnyClass = abstract new (...parameters: never[]) => unknown

/** A method that may be decorated. Its check takes time, so that it must be ready to return a promise. @group Decorators */
// biome-ignore lint/suspicious/noConfusingVoidType: methods that answer by themselves return nothing.
export type AsyncMethod = (...parameters: never[]) => PromiseLike<unknown> | void

/**
 * A decorator for classes and methods, of the standard kind (TypeScript 5) and of the legacy kind
 * (`experimentalDecorators`).
 *
 * @group Decorators
 */
export interface AuthDecorator {
  (target: AnyClass, context?: ClassDecoratorContext): void
  <Method extends AsyncMethod>(method: Method, context: ClassMethodDecoratorContext): Method
  <Method extends AsyncMethod>(target: object, name: string | symbol, descriptor: TypedPropertyDescriptor<Method>): void
}

/** A method of any kind. @group Decorators */
export type AnyMethod = (...parameters: never[]) => unknown

/** As {@link AuthDecorator}, for what leaves a method as it is. @group Decorators */
export interface OpenDecorator {
  (target: AnyClass, context?: ClassDecoratorContext): void
  <Method extends AnyMethod>(method: Method, context: ClassMethodDecoratorContext): Method
  <Method extends AnyMethod>(target: object, name: string | symbol, descriptor: TypedPropertyDescriptor<Method>): void
}

/**
 * Lets a method run for a caller with a good token alone, who meets the requirement. On a class, the same for all its
 * methods, inherited ones included; accessors, static methods and functions kept in fields are not methods. Class and
 * method add up: see `mergeRequirements`. A refused call rejects with the `AuthError` that `server.refuse` answers.
 *
 * @group Decorators
 */
export function RequireToken<Claims>(requirement: Requirement<Claims> = {}): AuthDecorator {
  return decorator({ token: 'required', requirement: requirement as Requirement })
}

/** `@RequireToken({ scope })`: all the scopes named. @group Decorators */
export function RequireScopes(...scopes: string[]): AuthDecorator {
  return decorator({ token: 'required', requirement: { scope: scopes } })
}

/** Leaves a method of a decorated class open to everyone. @group Decorators */
export function Public(): OpenDecorator {
  return decorator({ token: 'public' })
}

/**
 * Acquires downstream tokens before the method runs: `currentAuth().access`, and any parameter of the type
 * `AccessContext` where legacy decorators emit their metadata (`emitDecoratorMetadata`, with `reflect-metadata`). Demands
 * a token by itself.
 *
 * @group Decorators
 */
export function Grant(...grants: DeclaredGrant[]): AuthDecorator {
  return decorator({ token: 'required', grants })
}

/** A function that finds out itself what it decorates, and how. */
function decorator(added: Declared): AuthDecorator & OpenDecorator {
  function decorate(target: unknown, place?: unknown, descriptor?: PropertyDescriptor): unknown {
    if (descriptor !== undefined) {
      descriptor.value = guardedMethod(descriptor.value, { prototype: target as object, name: place as string }, added)
      return undefined
    }
    if (isStandardMethod(place)) return guardedMethod(target as () => unknown, { name: place.name }, added)
    decorateClass(target as AnyClass, added)
    return undefined
  }
  return decorate as AuthDecorator & OpenDecorator
}

function isStandardMethod(context: unknown): context is ClassMethodDecoratorContext {
  return (context as DecoratorContext | undefined)?.kind === 'method'
}

function decorateClass({ prototype }: AnyClass, added: Declared): void {
  for (const [name, method] of methodsOf(prototype)) {
    const value = guardedMethod(method, { prototype, name, outer: true }, added)
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
  }
}

/** The nearest method of each name, along the chain. */
function methodsOf(prototype: object): ReadonlyMap<string | symbol, () => unknown> {
  const methods = new Map<string | symbol, () => unknown>()
  for (let owner = prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const name of Reflect.ownKeys(owner)) {
      const { value } = Object.getOwnPropertyDescriptor(owner, name) as PropertyDescriptor
      if (typeof value === 'function' && name !== 'constructor' && !methods.has(name)) methods.set(name, value)
    }
  }
  return methods
}
