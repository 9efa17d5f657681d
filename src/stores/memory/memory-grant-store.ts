import { createBoundedCache } from '../../kit/bounded-cache.js'
import type { Clock } from '../../kit/clock.js'
import type { GrantStore, StoredGrant } from '../contract.js'
import { toMemoryStoreSettings } from './memory-store.js'

/** Options of {@link createMemoryGrantStore}. @group Stores */
export interface MemoryGrantStoreOptions {
  /** 1 to 10,000,000, default 10,000; one that was not used lately goes first. */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/**
 * Keeps exchanged tokens in this process, bounded.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Stores
 */
export function createMemoryGrantStore(options: MemoryGrantStoreOptions = {}): GrantStore {
  const { maxEntries, clock } = toMemoryStoreSettings('createMemoryGrantStore', options, 10_000)
  const grants = createBoundedCache<{ readonly grant: StoredGrant; readonly endMs: number }>(maxEntries)
  return {
    get(key) {
      const held = grants.get(key)
      if (held === undefined || clock() < held.endMs) return held?.grant
      grants.delete(key)
      return undefined
    },
    set(key, grant, ttlMs) {
      grants.set(key, { grant, endMs: clock() + ttlMs })
    },
    delete(key) {
      grants.delete(key)
    },
  }
}
