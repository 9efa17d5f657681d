import { ConfigurationError } from '../../errors/index.js'
import { checkNames, functionOption } from '../../kit/check.js'
import { type Clock, systemClock } from '../../kit/clock.js'

/** Options that every memory store has. */
export interface MemoryStoreOptions {
  readonly maxEntries?: number | undefined
  readonly clock?: Clock | undefined
}

/**
 * Checks the options of a memory store and fills in their defaults.
 *
 * @throws {@link ConfigurationError} for unknown names, a `maxEntries` that is no integer of 1 to 10,000,000, a `clock` that
 * is no function.
 */
export function toMemoryStoreSettings(
  what: string,
  options: MemoryStoreOptions,
  defaultMaxEntries: number,
): { readonly maxEntries: number; readonly clock: Clock } {
  checkNames(what, options, ['maxEntries', 'clock'])
  const { maxEntries = defaultMaxEntries } = options
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1 || maxEntries > 10_000_000) {
    throw new ConfigurationError('`maxEntries` takes an integer of 1 to 10,000,000; leave it out for the default.')
  }
  return { maxEntries, clock: functionOption('clock', options.clock) ?? systemClock }
}

/** A full store's refusal. Its `code` is what events tell. */
export function storeFull(what: string): Error {
  return Object.assign(new Error(what), { code: 'STORE_FULL' })
}
