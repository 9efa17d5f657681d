import type { Grant, Requirement } from '../../src/index.js'

/** What the decorators of one class or one method say. */
export interface Declared {
  readonly token?: 'required' | 'optional' | 'public' | undefined
  // biome-ignore lint/suspicious/noExplicitAny: each decorator types its own claims.
  readonly requirement?: Requirement<any> | undefined
  readonly grants?: readonly Grant[] | undefined
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
