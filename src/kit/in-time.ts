import { withDeadline } from './deadline.js'

const patienceMs = 5000

/**
 * Runs what the application supplied, a store or a function, for at most 5 s: a silent one must not hold requests up.
 *
 * @throws `FetchFailure` `timeout`, or what `work` throws or rejects with. Always as a rejection.
 */
export function inTime<T>(work: () => T | PromiseLike<T>): Promise<T> {
  return withDeadline(patienceMs, async () => work())
}
