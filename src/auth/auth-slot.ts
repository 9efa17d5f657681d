import { Auth } from './auth.js'

/**
 * Puts the caller, or the framework's form of it, into `target.auth`. Not writable, so that no later middleware replaces
 * it by accident; a later guard still can.
 *
 * @group Adapters
 */
export function setAuth(target: object, value: unknown): void {
  Object.defineProperty(target, 'auth', { value, writable: false, enumerable: true, configurable: true })
}

/** What stands in `target.auth`, whoever put it there. For the guard that is about to judge anew. @group Adapters */
export function earlierIn(target: object): unknown {
  return (target as { readonly auth?: unknown }).auth
}

/** The caller that a guard put into `target.auth`; `undefined` where something else is there. @group Adapters */
export function authIn<Claims>(target: object): Auth<Claims> | undefined {
  const found = earlierIn(target)
  return found instanceof Auth ? found : undefined
}
