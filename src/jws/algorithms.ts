import { ConfigurationError } from '../errors/index.js'
import { checkValue, oneOrMore, toList } from '../kit/options.js'

/** A JWS signature algorithm this library can check (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864). All are asymmetric. */
export type SignatureAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'

/** What an algorithm demands of its key and its signature. */
export interface AlgorithmTraits {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  /** The curve, for EC and OKP keys. */
  readonly crv?: 'P-256' | 'P-384' | 'P-521' | 'Ed25519'
  readonly hash: 'SHA-256' | 'SHA-384' | 'SHA-512' | undefined
  /** The exact signature length in bytes (RFC 7518 §3.4, RFC 8037 §3.1); absent for RSA: that of the modulus. */
  readonly signatureBytes?: number
}

const ed25519: AlgorithmTraits = { kty: 'OKP', crv: 'Ed25519', hash: undefined, signatureBytes: 64 }

/** Traits by `alg` name. A `Map`, so that an attacker's `alg` can never reach a prototype member. */
export const algorithmTraits: ReadonlyMap<string, AlgorithmTraits> = new Map<SignatureAlgorithm, AlgorithmTraits>([
  ['RS256', { kty: 'RSA', hash: 'SHA-256' }],
  ['RS384', { kty: 'RSA', hash: 'SHA-384' }],
  ['RS512', { kty: 'RSA', hash: 'SHA-512' }],
  ['PS256', { kty: 'RSA', hash: 'SHA-256' }],
  ['PS384', { kty: 'RSA', hash: 'SHA-384' }],
  ['PS512', { kty: 'RSA', hash: 'SHA-512' }],
  ['ES256', { kty: 'EC', crv: 'P-256', hash: 'SHA-256', signatureBytes: 64 }],
  ['ES384', { kty: 'EC', crv: 'P-384', hash: 'SHA-384', signatureBytes: 96 }],
  ['ES512', { kty: 'EC', crv: 'P-521', hash: 'SHA-512', signatureBytes: 132 }],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
])

/** Whether `name` is an algorithm this library can check. Case-sensitive, as `alg` is (RFC 7515 §4.1.1). */
export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return typeof name === 'string' && algorithmTraits.has(name)
}

/** Access-token algorithms accepted when an issuer's configuration is silent. */
export const defaultTokenAlgorithms: readonly SignatureAlgorithm[] = [
  'RS256',
  'PS256',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** DPoP proof algorithms accepted when the configuration is silent. */
export const defaultProofAlgorithms: readonly SignatureAlgorithm[] = ['ES256', 'PS256', 'EdDSA', 'Ed25519']

/**
 * A list of asymmetric algorithms this library knows, or the default when absent.
 *
 * @throws {@link ConfigurationError} for `none`, `HS…`, anything unknown, or an empty list.
 */
export function checkAlgorithms(
  name: string,
  given: unknown,
  fallback: readonly SignatureAlgorithm[],
): readonly SignatureAlgorithm[] {
  checkValue(name, given, oneOrMore)
  const algorithms = toList((given ?? fallback) as readonly string[])
  const unusable = algorithms.find((algorithm) => !isSignatureAlgorithm(algorithm))
  if (unusable !== undefined) {
    throw new ConfigurationError(
      `\`${name}\` holds ${unusable}. Only asymmetric algorithms are supported: RS, PS and ES with 256, 384 or 512, EdDSA, Ed25519.`,
    )
  }
  const edwards = algorithms.some((algorithm) => algorithm === 'EdDSA' || algorithm === 'Ed25519')
  return (edwards ? [...new Set([...algorithms, 'EdDSA', 'Ed25519'])] : algorithms) as readonly SignatureAlgorithm[]
}
