import { ConfigurationError } from '../errors/index.js'

/**
 * Checks the size of a memory store.
 *
 * @throws {@link ConfigurationError} for anything but a positive integer.
 */
export function checkMaxEntries(maxEntries: number): number {
  if (Number.isSafeInteger(maxEntries) && maxEntries > 0) return maxEntries
  throw new ConfigurationError('`maxEntries` takes a positive integer; leave it out for the default.')
}
