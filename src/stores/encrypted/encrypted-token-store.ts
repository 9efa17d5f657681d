import { type Clock, systemClock } from '../../kit/clock.js'
import { checkOptions, func } from '../../kit/options.js'
import type { StoredTokens, TokenLifetime, TokenStore } from '../contract.js'
import { answer, checkTokenEntry, checkTokenKey, endOfLife, type TokenEnvelope, unlessDamaged } from '../token-entry.js'
import { createEntrySealer, sealingRules, type TokenSealing } from './entry-sealer.js'

/** Options of {@link createEncryptedTokenStore}. @group Token stores */
export interface EncryptedTokenStoreOptions extends TokenSealing {
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/** What {@link EncryptedTokenStore.rotate} did. @group Token stores */
export interface TokenRotation {
  /** Entries that are now sealed with the first key. */
  readonly resealed: number
  /** Entries that were so already, or were written anew meanwhile. */
  readonly kept: number
  /** Entries that do not open. They stay as they are. */
  readonly damaged: number
}

/** A token store whose entries only holders of the key ring can read. @group Token stores */
export interface EncryptedTokenStore extends TokenStore {
  /** Seals every entry with the first key that is not yet, so that the other keys can leave the ring. Safe beside writers. */
  rotate(): Promise<TokenRotation>
}

const maxPlainBytes = 47_104

/**
 * Seals what another store keeps: AES-256-GCM with a fresh nonce each, bound to the kind of that store and to the entry's
 * key, so that entries cannot be swapped. Keys become HMACs: the inner store learns no account. It does learn how many
 * entries there are, their sizes and times, and it can hand back an older entry of the same key.
 *
 * An entry has at most 46 KiB, as the inner store takes it in base64url.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown, or an unusable key ring.
 * @group Token stores
 */
export function createEncryptedTokenStore(inner: TokenStore, options: EncryptedTokenStoreOptions): EncryptedTokenStore {
  checkOptions('createEncryptedTokenStore', options, { ...sealingRules, clock: func })
  const clock = options.clock ?? systemClock
  const { kind, ...described } = inner.describe()
  const sealer = createEntrySealer(kind, options)

  async function nameOf(key: string): Promise<string> {
    checkTokenKey(key)
    return sealer.nameOf(key)
  }

  async function sealed(name: string, envelope: TokenEnvelope): Promise<StoredTokens> {
    const { version, savedAt } = envelope.entry
    return { v: 1, version, tokens: await sealer.seal(name, envelope), savedAt }
  }

  async function prepare(key: string, entry: StoredTokens, lifetime: TokenLifetime | undefined) {
    checkTokenEntry(entry, maxPlainBytes)
    const name = await nameOf(key)
    return { name, outer: await sealed(name, { key, entry, expiresAtMs: endOfLife(lifetime, clock()) }) }
  }

  async function find(name: string, key?: string): Promise<TokenEnvelope | undefined> {
    const outer = await inner.get(name)
    return outer && sealer.open(name, outer.tokens, outer.version, key)
  }

  async function reseal(name: string): Promise<keyof TokenRotation> {
    const outer = await inner.get(name)
    if (outer === undefined || sealer.isCurrent(outer.tokens)) return 'kept'
    const envelope = await sealer.open(name, outer.tokens, outer.version)
    const { expiresAtMs } = envelope
    const lifetime = expiresAtMs === undefined ? undefined : { ttlMs: expiresAtMs - clock() }
    const isSealed = await inner.replace(name, outer.version, await sealed(name, envelope), lifetime)
    return isSealed ? 'resealed' : 'kept'
  }

  return Object.freeze<EncryptedTokenStore>({
    get: (key) => answer(async () => (await find(await nameOf(key), key))?.entry),
    set: (key, entry, lifetime) =>
      answer(async () => {
        const { name, outer } = await prepare(key, entry, lifetime)
        await inner.set(name, outer, lifetime)
      }),
    replace: (key, expectedVersion, next, lifetime) =>
      answer(async () => {
        if (next === undefined) return inner.replace(await nameOf(key), expectedVersion, undefined)
        const { name, outer } = await prepare(key, next, lifetime)
        return inner.replace(name, expectedVersion, outer, lifetime)
      }),
    delete: (key) => answer(async () => inner.delete(await nameOf(key))),
    has: (key) => answer(async () => inner.has(await nameOf(key))),
    async *keys(prefix = '') {
      for await (const name of inner.keys()) {
        const envelope = await unlessDamaged(find(name))
        if (envelope?.key.startsWith(prefix)) yield envelope.key
      }
    },
    rotate: () =>
      answer(async () => {
        const rotation = { resealed: 0, kept: 0, damaged: 0 }
        for await (const name of inner.keys()) rotation[await unlessDamaged(reseal(name), 'damaged' as const)] += 1
        return rotation
      }),
    describe: () => ({ ...described, kind: 'encrypted', atRest: 'encrypted' }),
  })
}
