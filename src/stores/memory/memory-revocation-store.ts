import type { Clock } from '../../kit/clock.js'
import type { RevocationStore } from '../contract.js'
import { storeFull, toMemoryStoreSettings } from './memory-store.js'
import { createOwnedEntries, type OwnedEntry } from './owned-entries.js'

/** Options of {@link createMemoryRevocationStore}. @group Stores */
export interface MemoryRevocationStoreOptions {
  /** How many entries are held at most. Default 100,000. A full store refuses to take another. */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

interface Entry extends OwnedEntry {
  atMs: number
}

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
  const entries = createOwnedEntries<Entry>(maxEntries)

  function renew(entry: Entry, atMs: number, expiresAtMs: number): void {
    const isOver = entry.expiresAtMs <= clock()
    entry.atMs = isOver ? atMs : Math.max(atMs, entry.atMs)
    entry.expiresAtMs = Math.max(expiresAtMs, entry.expiresAtMs)
  }

  function mark(key: string, atMs: number, expiresAtMs: number, widerKey: string | undefined): boolean {
    const known = entries.get(key)
    if (known !== undefined) {
      renew(known, atMs, expiresAtMs)
      return true
    }
    const share = entries.take(widerKey)
    if (share !== undefined) entries.add(key, { share, atMs, expiresAtMs })
    return share !== undefined
  }

  return {
    revoke(key, atMs, ttlMs, widerKey) {
      const nowMs = clock()
      entries.forgetSome(nowMs)
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
