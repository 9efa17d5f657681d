import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type AlgorithmTraits, algorithmTraits, type SignatureAlgorithm } from '../jws/algorithms.js'
import type { JsonObject } from '../kit/json.js'

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

/**
 * A key pair bound to one algorithm.
 *
 * @group Testing
 */
export interface SigningKey extends KeyPair {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  /** The public JWK, with `kid`, `alg` and `use` (RFC 7517 §4). */
  readonly publicJwk: JsonObject
}

/**
 * Makes a fresh key pair: a foreign key to forge tokens with, or one to publish with {@link TestIssuer.publishKey}.
 *
 * @example
 * ```ts
 * const forged = issuer.mintToken({}, { key: createSigningKey({ kid: issuer.signingKey().kid }) })
 * ```
 * @group Testing
 */
export function createSigningKey(
  options: {
    /** Default ES256, which is the fastest to make. */
    readonly algorithm?: SignatureAlgorithm
    /** Default: the JWK thumbprint (RFC 7638). */
    readonly kid?: string
  } = {},
): SigningKey {
  const algorithm = options.algorithm ?? 'ES256'
  const pair = leaseKeyPair(algorithm)
  const jwk = pair.publicKey.export({ format: 'jwk' }) as JsonObject
  const kid = options.kid ?? jwkThumbprint(jwk)
  return { ...pair, kid, algorithm, publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' } }
}

/** The SHA-256 thumbprint of a public JWK (RFC 7638 §3): of its required members alone, in lexicographic order. */
export function jwkThumbprint(jwk: JsonObject): string {
  const canonical = JSON.stringify(jwk, ['crv', 'e', 'kty', 'n', 'x', 'y'])
  return createHash('sha256').update(canonical).digest('base64url')
}

/** A private key and its public half. @group Testing */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** RSA pairs that are not in use any more: making one takes longer than many a test. */
const idleRsaPairs: KeyPair[] = []

/**
 * A key pair that fits `algorithm`, held by no other caller in this process. RSA keys have 2048 bits and are used again
 * once {@link releaseKeyPair} gave them back.
 */
function leaseKeyPair(algorithm: SignatureAlgorithm): KeyPair {
  const { kty, crv } = algorithmTraits.get(algorithm) as AlgorithmTraits
  if (kty === 'RSA') return idleRsaPairs.pop() ?? generateKeyPairSync('rsa', { modulusLength: 2048 })
  if (kty === 'EC') return generateKeyPairSync('ec', { namedCurve: crv as string })
  return generateKeyPairSync('ed25519')
}

/** Gives a pair back for reuse. Whoever held it must not sign with it again. */
function releaseKeyPair(pair: KeyPair): void {
  if (pair.publicKey.asymmetricKeyType === 'rsa' && !idleRsaPairs.includes(pair)) idleRsaPairs.push(pair)
}
