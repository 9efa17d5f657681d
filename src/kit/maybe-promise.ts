/** A value that is ready now, or a promise of it. Lets the hot path stay synchronous where the platform can. */
export type MaybePromise<T> = T | Promise<T>

/** Applies `next` at once when the value is ready, after it settles when it is a promise. */
export function whenReady<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Whether a value is a promise, of whatever make: those of other realms and of query builders are not of our class. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
