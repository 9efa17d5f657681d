import { createAesGcm, decodeBase64url, encodeBase64url } from '#crypto'
import { ConfigurationError } from '../errors/index.js'
import { isBase64url } from '../jws/compact-jws.js'
import type { AesGcm } from '../jws/crypto/platform-crypto.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import { checkOptions, type Rules, required, takes } from '../kit/options.js'

/** One key of a key ring. @group Stores */
export interface SealKey {
  /** Tells keys apart in stored entries; letters, digits, `-` and `_`. */
  readonly id: string
  /** 32 random bytes. */
  readonly secret: Uint8Array
}

/** Seals texts so that only a holder of the key ring can read them, each only at its own place. At once where the platform can. */
export interface Sealer {
  /** Seals `text` with the first key for `place`: `v1.<key id>.<nonce>.<ciphertext>`. */
  seal(text: string, place: string): MaybePromise<string>
  /** The text, or `undefined` when the entry was altered, moved to another place, or sealed with an unknown key. */
  open(sealed: string, place: string): MaybePromise<string | undefined>
}

const nonceBytes = 12
/** Of a nonce, in base64url. */
const nonceLength = 16

/**
 * Makes a sealer: AES-256-GCM with a random 96-bit nonce, `place` as additional data. Replace the first key after some
 * billion entries (NIST SP 800-38D §8.3), and leave it in the ring until the last of them has expired.
 *
 * @throws {@link ConfigurationError} for an empty ring, a key that is not 32 bytes, or ids that repeat.
 */
export function createSealer(ring: readonly SealKey[]): Sealer {
  checkRing(ring)
  const keys = new Map(ring.map(({ id, secret }) => [id, createAesGcm(secret)]))
  const [{ id: firstId }] = ring as readonly [SealKey]
  const first = keys.get(firstId) as AesGcm

  return {
    seal(text, place) {
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes))
      const sealed = first.seal(nonce, text, place)
      return whenReady(sealed, (ciphertext) => `v1.${firstId}.${encodeBase64url(nonce)}.${ciphertext}`)
    },
    open(sealed, place) {
      const [version, id = '', nonce = '', ciphertext = '', ...rest] = sealed.split('.')
      const key = keys.get(id)
      const isReadable = version === 'v1' && rest.length === 0 && nonce.length === nonceLength
      if (key === undefined || !isReadable || !isBase64url(nonce) || !isBase64url(ciphertext)) return undefined
      return key.open(decodeBase64url(nonce), ciphertext, place)
    },
  }
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
