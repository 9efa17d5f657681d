import { createHash } from 'node:crypto'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { JsonObject } from '../kit/json.js'
import { type KeyPair, leaseKeyPair } from './key-pairs.js'

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
  const required = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((name) => jwk[name] !== undefined)
  const canonical = JSON.stringify(Object.fromEntries(required.map((name) => [name, jwk[name]])))
  return createHash('sha256').update(canonical).digest('base64url')
}
