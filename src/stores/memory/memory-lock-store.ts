import type { Clock } from '../../kit/clock.js'
import type { LockStore } from '../contract.js'
import { storeFull, toMemoryStoreSettings } from './memory-store.js'

/** Options of {@link createMemoryLockStore}. @group Stores */
export interface MemoryLockStoreOptions {
  /** How many leases are held at most. Default 10,000. A full store rejects, unless leases in it have run out. */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

interface Holding {
  expiresAtMs: number
}

/**
 * Makes a lock for a single process: other processes do not see it. For tests, and for a process that stands alone.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Stores
 */
export function createMemoryLockStore(options: MemoryLockStoreOptions = {}): LockStore {
  const { maxEntries, clock } = toMemoryStoreSettings('createMemoryLockStore', options, 10_000)
  const holdings = new Map<string, Holding>()

  function makeRoom(nowMs: number): void {
    for (const [key, { expiresAtMs }] of holdings) if (expiresAtMs <= nowMs) holdings.delete(key)
    if (holdings.size >= maxEntries) throw storeFull('the lock store is full')
  }

  return {
    async acquire(key, ttlMs) {
      const nowMs = clock()
      const holder = holdings.get(key)
      if (holder !== undefined && holder.expiresAtMs > nowMs) return undefined
      if (holder === undefined && holdings.size >= maxEntries) makeRoom(nowMs)
      const mine: Holding = { expiresAtMs: nowMs + ttlMs }
      holdings.set(key, mine)
      const isMine = () => holdings.get(key) === mine
      return {
        async extend(longerMs) {
          if (!isMine() || mine.expiresAtMs <= clock()) return false
          mine.expiresAtMs = clock() + longerMs
          return true
        },
        async release() {
          if (isMine()) holdings.delete(key)
        },
      }
    },
  }
}
