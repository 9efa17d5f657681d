import { type Clock, systemClock } from '../../kit/clock.js'
import { checkOptions, func, integer, type Rules } from '../../kit/options.js'

/** Options that every memory store has. */
export interface MemoryStoreOptions {
  readonly maxEntries?: number | undefined
  readonly clock?: Clock | undefined
}

const rules: Rules<MemoryStoreOptions> = { maxEntries: integer(1, 10_000_000), clock: func }

/**
 * Checks the options of a memory store and fills in their defaults.
 *
 * @throws {@link ConfigurationError} for unknown names, a `maxEntries` that is not an integer of 1 to 10,000,000, a `clock` that
 * is not a function.
 */
export function toMemoryStoreSettings(
  what: string,
  options: MemoryStoreOptions,
  defaultMaxEntries: number,
): { readonly maxEntries: number; readonly clock: Clock } {
  checkOptions(what, options, rules)
  const { maxEntries = defaultMaxEntries, clock = systemClock } = options
  return { maxEntries, clock }
}

/** A full store's refusal. Its `code` is what events tell. */
export function storeFull(what: string): Error {
  return Object.assign(new Error(what), { code: 'STORE_FULL' })
}
