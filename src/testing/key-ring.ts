import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { JsonObject } from '../kit/json.js'
import { releaseKeyPair } from './key-pairs.js'
import { createSigningKey, type SigningKey } from './signing-key.js'

/** The keys of a test issuer. @group Testing */
export interface KeyRing {
  /**
   * The key that signs tokens of `algorithm` now, made at first use and published from then on. Keep it across a
   * rotation to go on signing with a retired key. Default algorithm: the first one of the issuer.
   */
  signingKey(algorithm?: SignatureAlgorithm): SigningKey
  /** The public JWKs of the key set, as its endpoint serves them. */
  publishedKeys(): readonly JsonObject[]
  /**
   * Replaces every signing key by a fresh one, with a fresh `kid`. With `overlap` (the default) the old keys stay
   * published, without it they are withdrawn at once.
   */
  rotateKeys(options?: { readonly overlap?: boolean }): void
  /** Takes a key out of the published set. It can still sign, as a stolen key can. */
  withdrawKey(kid: string): void
  /** Adds an entry to the published set: a key of your own, or one that no library should accept. */
  publishKey(jwk: JsonObject): void
}

/** A {@link KeyRing} and the means to give its key pairs back. */
export function createKeyRing(algorithms: readonly [SignatureAlgorithm, ...SignatureAlgorithm[]]): {
  readonly ring: KeyRing
  /** Every key made so far, retired and withdrawn ones among them. */
  allKeys(): readonly SigningKey[]
  release(): void
} {
  const signing = new Map<SignatureAlgorithm, SigningKey>()
  const made: SigningKey[] = []
  let published: JsonObject[] = []

  const addKey = (algorithm: SignatureAlgorithm): SigningKey => {
    const key = createSigningKey({ algorithm, kid: `${algorithm.toLowerCase()}-${made.length + 1}` })
    made.push(key)
    signing.set(algorithm, key)
    published.push(key.publicJwk)
    return key
  }
  const signingKey = (algorithm: SignatureAlgorithm = algorithms[0]) => signing.get(algorithm) ?? addKey(algorithm)
  const makeInitialKeys = () => {
    if (made.length === 0) algorithms.forEach(addKey)
  }

  return {
    ring: {
      signingKey: (algorithm) => {
        makeInitialKeys()
        return signingKey(algorithm)
      },
      publishedKeys: () => {
        makeInitialKeys()
        return [...published]
      },
      rotateKeys: ({ overlap = true } = {}) => {
        makeInitialKeys()
        if (!overlap) published = []
        for (const algorithm of [...signing.keys()]) addKey(algorithm)
      },
      withdrawKey: (kid) => {
        published = published.filter((jwk) => jwk['kid'] !== kid)
      },
      publishKey: (jwk) => {
        published.push(jwk)
      },
    },
    allKeys: () => made,
    release: () => made.splice(0).forEach(releaseKeyPair),
  }
}
