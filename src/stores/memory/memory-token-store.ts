import type { Clock } from '../../kit/clock.js'
import type { TokenStore } from '../contract.js'
import { checkTokenEntry, checkTokenKey, copyEntry, endOfLife, isOver, type TokenEnvelope } from '../token-entry.js'
import { toMemoryStoreSettings } from './memory-store.js'

/** Options of {@link createMemoryTokenStore}. @group Token stores */
export interface MemoryTokenStoreOptions {
  /** How many entries are kept at most. Default 10,000. A full store forgets the one that was not used for longest. */
  readonly maxEntries?: number | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/**
 * Keeps tokens in the memory of this process alone: they are gone when it ends, other processes do not see them, and
 * whoever can read its memory can read them. Not scrubbed.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Token stores
 */
export function createMemoryTokenStore(options: MemoryTokenStoreOptions = {}): TokenStore {
  const { maxEntries, clock } = toMemoryStoreSettings('createMemoryTokenStore', options, 10_000)
  const envelopes = new Map<string, TokenEnvelope>()

  function find(key: string): TokenEnvelope | undefined {
    checkTokenKey(key)
    const envelope = envelopes.get(key)
    if (envelope === undefined) return undefined
    envelopes.delete(key)
    if (isOver(envelope, clock())) return undefined
    envelopes.set(key, envelope)
    return envelope
  }

  function keep(envelope: TokenEnvelope): void {
    const { key } = envelope
    envelopes.delete(key)
    envelopes.set(key, envelope)
    for (const oldest of envelopes.keys()) {
      if (envelopes.size <= maxEntries) return
      envelopes.delete(oldest)
    }
  }

  return Object.freeze<TokenStore>({
    get: async (key) => find(key)?.entry,
    async set(key, entry, lifetime) {
      checkTokenKey(key)
      checkTokenEntry(entry)
      keep({ key, entry: copyEntry(entry), expiresAtMs: endOfLife(lifetime, clock()) })
    },
    async replace(key, expectedVersion, next, lifetime) {
      if (next !== undefined) checkTokenEntry(next)
      if (find(key)?.entry.version !== expectedVersion) return false
      if (next === undefined) envelopes.delete(key)
      else keep({ key, entry: copyEntry(next), expiresAtMs: endOfLife(lifetime, clock()) })
      return true
    },
    async delete(key) {
      return find(key) !== undefined && envelopes.delete(key)
    },
    has: async (key) => find(key) !== undefined,
    async *keys(prefix = '') {
      for (const [key, envelope] of [...envelopes]) {
        if (key.startsWith(prefix) && !isOver(envelope, clock())) yield key
      }
    },
    describe: () => ({
      kind: 'memory',
      atRest: 'plaintext',
      location: 'the memory of this process',
      persistent: false,
    }),
  })
}
