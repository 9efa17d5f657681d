/** How long to leave something alone that keeps failing. */
export interface BackOffOptions {
  /** The longest delay after the first failure, in milliseconds; doubles with each further one. */
  readonly initialDelayMs: number
  /** The longest delay of all, in milliseconds. */
  readonly maxDelayMs: number
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
