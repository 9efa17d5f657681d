/**
 * How functions of the application are called. Does not wait where nothing waits: a plain value stays one.
 */
import { type ApplicationCallback, type AuthError, copyError, InternalError, isAuthError } from '../errors/index.js'
import { isThenable, type MaybePromise } from './maybe-promise.js'

/**
 * Calls a function of the application that may answer later: with a promise, or anything else that has a `then`. Throws
 * synchronously or rejects.
 *
 * @throws {@link AuthError} a copy of the one that the function throws.
 * @throws {@link InternalError} with anything else that it throws as its cause.
 */
export function callApplication<T>(callback: ApplicationCallback, call: () => T | PromiseLike<T>): MaybePromise<T> {
  try {
    const answer = call()
    return isThenable(answer) ? fulfilled(callback, answer) : answer
  } catch (thrown) {
    throw faultOf(callback, thrown)
  }
}

/**
 * Calls a function of the application that has to answer at once. A promise, which any condition would take for true, is
 * a mistake; that it may reject later does no harm.
 *
 * @throws as {@link callApplication} does, never as a rejection.
 */
export function callAtOnce<T>(callback: ApplicationCallback, call: () => T): T {
  const answer = callApplication(callback, call)
  if (!(answer instanceof Promise)) return answer
  answer.catch(() => {})
  throw new InternalError(new TypeError(`\`${callback}\` gave a promise and has to answer at once`), callback)
}

async function fulfilled<T>(callback: ApplicationCallback, answer: PromiseLike<T>): Promise<T> {
  try {
    return await answer
  } catch (thrown) {
    throw faultOf(callback, thrown)
  }
}

function faultOf(callback: ApplicationCallback, thrown: unknown): AuthError {
  return isAuthError(thrown) ? copyError(thrown) : new InternalError(thrown, callback)
}
