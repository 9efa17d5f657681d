import { decodeBase64url, encodeBase64url } from '#crypto'
import { ConfigurationError } from '../errors/index.js'
import { isBase64url } from '../jws/compact-jws.js'
import { checkOptions, type Rules, required, takes } from '../kit/options.js'

/** One key of a key ring. @group Stores */
export interface SealKey {
  /** Tells keys apart in stored entries; letters, digits, `-` and `_`. */
  readonly id: string
  /** 32 random bytes. */
  readonly secret: Uint8Array
}

/** Seals texts so that only a holder of the key ring can read them, each only at its own place. */
export interface Sealer {
  /** Seals `text` with the first key for `place`: `v1.<key id>.<nonce>.<ciphertext>`. */
  seal(text: string, place: string): Promise<string>
  /** The text, or `undefined` when the entry was altered, moved to another place, or sealed with an unknown key. */
  open(sealed: string, place: string): Promise<string | undefined>
}

const nonceBytes = 12

/**
 * Makes a sealer: AES-256-GCM with a random 96-bit nonce, `place` as additional data. Replace the first key after some
 * billion entries (NIST SP 800-38D §8.3), and leave it in the ring until the last of them has expired.
 *
 * @throws {@link ConfigurationError} for an empty ring, a key that is not 32 bytes, or ids that repeat.
 */
export function createSealer(ring: readonly SealKey[]): Sealer {
  checkRing(ring)
  const keys = new Map(ring.map(({ id, secret }) => [id, importKey(secret)]))
  const [first] = ring as readonly [SealKey]

  return {
    async seal(text, place) {
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes))
      const key = await (keys.get(first.id) as Promise<CryptoKey>)
      const sealed = await crypto.subtle.encrypt(parameters(nonce, place), key, new TextEncoder().encode(text))
      return `v1.${first.id}.${encodeBase64url(nonce)}.${encodeBase64url(new Uint8Array(sealed))}`
    },
    async open(sealed, place) {
      const [version, id = '', nonce = '', ciphertext = '', ...rest] = sealed.split('.')
      const key = await keys.get(id)
      const isReadable = version === 'v1' && rest.length === 0 && isBase64url(nonce) && isBase64url(ciphertext)
      if (key === undefined || !isReadable) return undefined
      try {
        const bytes = Uint8Array.from(decodeBase64url(ciphertext))
        const text = await crypto.subtle.decrypt(parameters(Uint8Array.from(decodeBase64url(nonce)), place), key, bytes)
        return new TextDecoder().decode(text)
      } catch {
        return undefined
      }
    },
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, place: string): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(place) }
}

function importKey(secret: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(secret), 'AES-GCM', false, ['encrypt', 'decrypt'])
}

const keyRules: Rules<SealKey> = {
  id: required(
    takes((id) => typeof id === 'string' && /^[\w-]{1,64}$/.test(id), 'at most 64 letters, digits, - and _'),
  ),
  secret: required(takes((secret) => secret instanceof Uint8Array && secret.length === 32, 'exactly 32 random bytes')),
}

function checkRing(ring: readonly SealKey[]): void {
  if (!Array.isArray(ring) || ring.length === 0) throw new ConfigurationError('`keys` takes at least one key.')
  for (const key of ring) checkOptions<SealKey>('A key of `keys`', key, keyRules, 'keys.')
  const ids = new Set(ring.map(({ id }) => id))
  if (ids.size < ring.length) throw new ConfigurationError('`keys` holds two keys with one `id`.')
}
