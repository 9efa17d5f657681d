import type { Clock } from '../../kit/clock.js'
import type { RevocationStore } from '../contract.js'
import { createExpiryQueue } from './expiry-queue.js'
import { storeFull, toMemoryStoreSettings } from './memory-store.js'
import { createShares, type Share } from './shares.js'

/** Options of {@link createMemoryRevocationStore}. @group Stores */
export interface MemoryRevocationStoreOptions {
  /** How many entries are held at most. Default 100,000. A full store refuses to take another. */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

interface Entry {
  readonly share: Share
  atMs: number
  expiresAtMs: number
}

const forgottenPerCall = 8

/**
 * Makes a revocation store in memory, for a single process. Synchronous. Revoking a key again takes no further room: the
 * later time and the longer lifetime stay. When full, `revoke` throws rather than forget a revocation that still counts.
 *
 * The sessions of one user cannot fill it for the others: once they hold as many entries as there is room left, the next
 * one marks the wider key, so that every token of that user issued until then is revoked.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Stores
 */
export function createMemoryRevocationStore(options: MemoryRevocationStoreOptions = {}): RevocationStore {
  const { maxEntries, clock } = toMemoryStoreSettings('createMemoryRevocationStore', options, 100_000)
  const entries = new Map<string, Entry>()
  const shares = createShares(maxEntries)
  const queue = createExpiryQueue()

  function forget(key: string, nowMs: number): void {
    const { expiresAtMs, share } = entries.get(key) as Entry
    if (expiresAtMs > nowMs) {
      queue.add(key, expiresAtMs)
      return
    }
    entries.delete(key)
    shares.giveBack(share)
  }

  function renew(entry: Entry, atMs: number, expiresAtMs: number): void {
    const isOver = entry.expiresAtMs <= clock()
    entry.atMs = isOver ? atMs : Math.max(atMs, entry.atMs)
    entry.expiresAtMs = Math.max(expiresAtMs, entry.expiresAtMs)
  }

  function enter(key: string, entry: Omit<Entry, 'share'>, share: Share): void {
    queue.add(key, entry.expiresAtMs)
    entries.set(key, { ...entry, share })
  }

  function mark(key: string, atMs: number, expiresAtMs: number, widerKey: string | undefined): boolean {
    const known = entries.get(key)
    if (known !== undefined) {
      renew(known, atMs, expiresAtMs)
      return true
    }
    const share = shares.take(widerKey, entries.size)
    if (share !== undefined) enter(key, { atMs, expiresAtMs }, share)
    return share !== undefined
  }

  return {
    revoke(key, atMs, ttlMs, widerKey) {
      const nowMs = clock()
      queue.drain(nowMs, forgottenPerCall, (old) => forget(old, nowMs))
      const expiresAtMs = nowMs + ttlMs
      if (mark(key, atMs, expiresAtMs, widerKey)) return
      if (widerKey !== undefined && mark(widerKey, atMs, expiresAtMs, undefined)) return
      throw storeFull('the revocation store is full')
    },
    revokedAt(keys) {
      const nowMs = clock()
      return keys.map((key) => {
        const entry = entries.get(key)
        return entry !== undefined && entry.expiresAtMs > nowMs ? entry.atMs : undefined
      })
    },
  }
}
