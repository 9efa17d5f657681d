import { hmacSha256Base64url } from '#crypto'
import { anything, type Rules, required, takes } from '../../kit/options.js'
import { createSealer, type Sealer, type SealKey } from '../sealer.js'
import { damaged, readEnvelope, type TokenEnvelope, writeEnvelope } from '../token-entry.js'

/** What seals the entries of a store, and what hides their keys. @group Token stores */
export interface TokenSealing {
  /** The key ring that encrypts entries: the first key seals, all of them open. */
  readonly keys: readonly SealKey[]
  /**
   * At least 32 random bytes that turn keys into names. Never rotated: with another one every entry seems to be absent.
   * It encrypts nothing, so that it wears out with no number of entries.
   */
  readonly nameSecret: Uint8Array
}

/** What every store that seals its entries checks; the key ring is checked where its sealer is made. */
export const sealingRules: Rules<TokenSealing> = {
  keys: anything,
  nameSecret: required(
    takes(
      (value) => value instanceof Uint8Array && value.length >= 32,
      'at least 32 random bytes, the same ones for good',
    ),
  ),
}

/** Seals entries for one kind of store. */
export interface EntrySealer {
  /** The name that stands for `key` in the store, an HMAC: tells nothing of the key. */
  nameOf(key: string): Promise<string>
  seal(name: string, envelope: TokenEnvelope): Promise<string>
  /** @throws {@link TokenStoreError} `ERR_TOKEN_STORE_CORRUPT` for what does not open, or belongs to another key or version. */
  open(name: string, sealed: string, version: string, key?: string): Promise<TokenEnvelope>
  /** Whether it was sealed with the first key of the ring. */
  isCurrent(sealed: string): boolean
}

/**
 * Makes an {@link EntrySealer}. Each purpose has a key of its own, derived with HKDF-SHA-256: the ring may serve other
 * stores too.
 *
 * @throws {@link ConfigurationError} for an unusable key ring. `nameSecret` was checked by {@link sealingRules}.
 */
export function createEntrySealer(kind: string, { keys, nameSecret }: TokenSealing): EntrySealer {
  createSealer(keys)
  const ring = keys.map(({ id, secret }) => ({ id, secret: Uint8Array.from(secret) }))
  const nameInput = Uint8Array.from(nameSecret)
  const [{ id: firstId }] = ring as unknown as readonly [SealKey]
  const placeOf = (name: string) => `portcullis:tokens:${kind}:${name}`
  let sealer: Promise<Sealer> | undefined
  let nameKey: Promise<Uint8Array> | undefined

  const sealerOnce = () => {
    sealer ??= deriveSealer(ring)
    return sealer
  }

  return {
    async nameOf(key) {
      nameKey ??= derive(nameInput, 'portcullis token store names')
      return hmacSha256Base64url(await nameKey, key)
    },
    seal: async (name, envelope) => (await sealerOnce()).seal(writeEnvelope(envelope), placeOf(name)),
    async open(name, sealed, version, key) {
      const text = await (await sealerOnce()).open(sealed, placeOf(name))
      if (text === undefined) {
        throw damaged('An entry does not open: it was altered or moved, or its key is not in `keys`.')
      }
      const envelope = readEnvelope(text, key)
      if (envelope.entry.version !== version) throw damaged('The version beside an entry is not its own.')
      return envelope
    },
    isCurrent: (sealed) => sealed.startsWith(`v1.${firstId}.`),
  }
}

async function deriveSealer(ring: readonly SealKey[]): Promise<Sealer> {
  const derived = ring.map(async ({ id, secret }) => ({ id, secret: await derive(secret, 'portcullis token store') }))
  return createSealer(await Promise.all(derived))
}

async function derive(secret: Uint8Array, purpose: string): Promise<Uint8Array> {
  const input = await crypto.subtle.importKey('raw', Uint8Array.from(secret), 'HKDF', false, ['deriveBits'])
  const info = new TextEncoder().encode(purpose)
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, input, 256))
}
