/** How long to leave something alone that keeps failing. */
export interface BackOffOptions {
  /** The longest delay after the first failure, in milliseconds; doubles with each further one. */
  readonly initialDelayMs: number
  /** The longest delay of all, in milliseconds. */
  readonly maxDelayMs: number
}

/**
 * At most `ms`, and at least half of it. Processes that began something together do not stay in step by it: of those that
 * come back after such a time again and again, never more than 1.5 times the mean come at once.
 */
export function scatteredMs(ms: number, random: () => number = Math.random): number {
  return ms * (1 - random() / 2)
}

/**
 * The delay after `failures` failures in a row: exponential, of which the upper half is random, so that many processes
 * do not come back in step. `random` gives numbers from 0 to 1.
 */
export function backOffDelayMs(
  failures: number,
  { initialDelayMs, maxDelayMs }: BackOffOptions,
  random: () => number,
): number {
  const delayMs = Math.min(maxDelayMs, initialDelayMs * 2 ** (failures - 1))
  return delayMs * (0.5 + random() / 2)
}
