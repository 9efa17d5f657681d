import { type Clock, systemClock } from '../lib/clock.js'
import type { ReplayStore } from './contract.js'
import { createExpiryQueue } from './expiry-queue.js'
import { checkMaxEntries } from './max-entries.js'

/** Options of {@link createMemoryReplayStore}. @group Stores */
export interface MemoryReplayStoreOptions {
  /**
   * How many keys are held at most. Default 500,000, about 90 MB when full: 7,000 proofs a second with the default
   * acceptance window. A full store fails closed.
   */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

const forgottenPerCall = 8

/**
 * Makes a replay store in memory, for a single process: other processes do not see what this one saw. Synchronous.
 * Holds every key for its whole time; when full it throws, so that the request is answered 503, rather than forget a
 * key that could still be replayed. Each call forgets a few keys that ran out, and never looks through the others.
 *
 * @throws {@link ConfigurationError} for a wrong `maxEntries`.
 * @group Stores
 */
export function createMemoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const maxEntries = checkMaxEntries(options.maxEntries ?? 500_000)
  const clock = options.clock ?? systemClock
  const expiresAt = new Map<string, number>()
  const queue = createExpiryQueue()

  function forget(key: string, now: number): void {
    const takenUntil = expiresAt.get(key) as number
    if (takenUntil > now) queue.add(key, takenUntil)
    else expiresAt.delete(key)
  }

  return {
    reserve(key, ttlMs) {
      const now = clock()
      queue.drain(now, forgottenPerCall, (old) => forget(old, now))
      const takenUntil = expiresAt.get(key)
      if (takenUntil !== undefined && takenUntil > now) return false
      if (takenUntil === undefined) {
        if (expiresAt.size >= maxEntries) throw new Error('the replay store is full')
        queue.add(key, now + ttlMs)
      }
      expiresAt.set(key, now + ttlMs)
      return true
    },
  }
}
