import { LRUCache } from 'lru-cache'
import type { Clock } from '../../kit/clock.js'
import type { GrantStore, StoredGrant } from '../contract.js'
import { toMemoryStoreSettings } from './memory-store.js'

/** Options of {@link createMemoryGrantStore}. @group Stores */
export interface MemoryGrantStoreOptions {
  /** Default 10,000; the least recently used goes first. */
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
  const { maxEntries: max, clock } = toMemoryStoreSettings('createMemoryGrantStore', options, 10_000)
  const grants = new LRUCache<string, StoredGrant>({ max, ttl: 1, ttlResolution: 0, perf: { now: clock } })
  return {
    get: (key) => grants.get(key),
    set(key, grant, ttlMs) {
      grants.set(key, grant, { ttl: Math.max(1, Math.floor(ttlMs)) })
    },
    delete(key) {
      grants.delete(key)
    },
  }
}
