import { type Clock, systemClock } from '../lib/clock.js'
import type { RevocationStore } from './contract.js'
import { createExpiryQueue } from './expiry-queue.js'
import { checkMaxEntries } from './max-entries.js'

/** Options of {@link createMemoryRevocationStore}. @group Stores */
export interface MemoryRevocationStoreOptions {
  /** How many entries are held at most. Default 100,000. A full store refuses to take another. */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

interface Entry {
  readonly atMs: number
  readonly expiresAtMs: number
}

const forgottenPerCall = 8

/**
 * Makes a revocation store in memory, for a single process. Synchronous. Revoking a key again keeps the later
 * time and the longer lifetime. When full, `revoke` throws rather than forget a revocation that still counts.
 *
 * @throws {@link ConfigurationError} for a wrong `maxEntries`.
 * @group Stores
 */
export function createMemoryRevocationStore(options: MemoryRevocationStoreOptions = {}): RevocationStore {
  const maxEntries = checkMaxEntries(options.maxEntries ?? 100_000)
  const clock = options.clock ?? systemClock
  const entries = new Map<string, Entry>()
  const queue = createExpiryQueue()

  function forget(key: string, now: number): void {
    const { expiresAtMs } = entries.get(key) as Entry
    if (expiresAtMs > now) queue.add(key, expiresAtMs)
    else entries.delete(key)
  }

  function current(key: string, now: number): Entry | undefined {
    const entry = entries.get(key)
    return entry !== undefined && entry.expiresAtMs > now ? entry : undefined
  }

  return {
    revoke(key, atMs, ttlMs) {
      const now = clock()
      const expiresAtMs = now + ttlMs
      queue.drain(now, forgottenPerCall, (old) => forget(old, now))
      if (!entries.has(key)) {
        if (entries.size >= maxEntries) throw new Error('the revocation store is full')
        queue.add(key, expiresAtMs)
      }
      const known = current(key, now) ?? { atMs, expiresAtMs }
      entries.set(key, {
        atMs: Math.max(atMs, known.atMs),
        expiresAtMs: Math.max(expiresAtMs, known.expiresAtMs),
      })
    },
    revokedAt(keys) {
      const now = clock()
      return keys.map((key) => current(key, now)?.atMs)
    },
  }
}
