import type { Clock } from '../../kit/clock.js'
import type { SessionStore } from '../contract.js'
import { toMemoryStoreSettings } from './memory-store.js'

/** Options of {@link createMemorySessionStore}. @group Sessions */
export interface MemorySessionStoreOptions {
  /** How many sessions are kept at most. Default 10,000. A full store forgets the one that was not used for longest. */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/**
 * Keeps sessions in the memory of this process alone: everybody is signed out when it ends, and other processes do not
 * know them. Answers at once, without promises.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Sessions
 */
export function createMemorySessionStore(options: MemorySessionStoreOptions = {}): SessionStore {
  const { maxEntries, clock } = toMemoryStoreSettings('createMemorySessionStore', options, 10_000)
  const entries = new Map<string, { readonly session: string; readonly expiresAtMs: number }>()

  function find(key: string): string | undefined {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    entries.delete(key)
    if (entry.expiresAtMs <= clock()) return undefined
    entries.set(key, entry)
    return entry.session
  }

  function keep(key: string, session: string, ttlMs: number): void {
    entries.delete(key)
    entries.set(key, { session, expiresAtMs: clock() + ttlMs })
    const [oldest] = entries.keys()
    if (entries.size > maxEntries) entries.delete(oldest as string)
  }

  return Object.freeze<SessionStore>({
    get: find,
    set: keep,
    touch(key, session, ttlMs) {
      if (find(key) === undefined) return false
      keep(key, session, ttlMs)
      return true
    },
    delete: (key) => find(key) !== undefined && entries.delete(key),
  })
}
