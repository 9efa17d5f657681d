import type { Clock } from '../../kit/clock.js'
import type { ReplayStore } from '../contract.js'
import { storeFull, toMemoryStoreSettings } from './memory-store.js'
import { createOwnedEntries } from './owned-entries.js'

/** Options of {@link createMemoryReplayStore}. @group Stores */
export interface MemoryReplayStoreOptions {
  /**
   * How many keys are held at most. Default 500,000, about 110 MB when full: 7,000 proofs a second with the default
   * acceptance window. A full store fails closed.
   */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/**
 * Makes a replay store in memory, for a single process: other processes do not see what this one saw. Synchronous.
 * Holds every key for its whole time; when full it throws, so that the request is answered 503, rather than forget a
 * key that could still be replayed. Each call forgets a few keys that ran out, and never looks through the others.
 *
 * One owner cannot fill it for the others: it throws for an owner who holds as many keys as there is room left. One busy
 * client gets half of the store, and n of them leave 1/(n + 1) of it to everybody else. Filling it takes about as many
 * owners as entries: for DPoP as many key pairs, each with an access token bound to it.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Stores
 */
export function createMemoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxEntries, clock } = toMemoryStoreSettings('createMemoryReplayStore', options, 500_000)
  const entries = createOwnedEntries(maxEntries)
  return {
    reserve(key, ttlMs, owner) {
      const nowMs = clock()
      entries.forgetSome(nowMs)
      const expiresAtMs = nowMs + ttlMs
      const known = entries.get(key)
      if (known !== undefined) {
        if (known.expiresAtMs > nowMs) return false
        known.expiresAtMs = expiresAtMs
        return true
      }
      const share = entries.take(owner)
      if (share === undefined) throw storeFull('the replay store is full')
      entries.add(key, { share, expiresAtMs })
      return true
    },
  }
}
