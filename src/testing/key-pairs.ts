import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type AlgorithmTraits, algorithmTraits, type SignatureAlgorithm } from '../jws/algorithms.js'

/** A private key and its public half. @group Testing */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** RSA pairs that nobody holds any more: making one takes longer than many a test. */
const idleRsaPairs: KeyPair[] = []

/**
 * A key pair that fits `algorithm`, held by no other caller in this process. RSA keys have 2048 bits and are used again
 * once {@link releaseKeyPair} gave them back.
 */
export function leaseKeyPair(algorithm: SignatureAlgorithm): KeyPair {
  const { kty, crv } = algorithmTraits.get(algorithm) as AlgorithmTraits
  if (kty === 'RSA') return idleRsaPairs.pop() ?? generateKeyPairSync('rsa', { modulusLength: 2048 })
  if (kty === 'EC') return generateKeyPairSync('ec', { namedCurve: crv as string })
  return generateKeyPairSync('ed25519')
}

/** Gives a pair back for reuse. Whoever held it must not sign with it again. */
export function releaseKeyPair(pair: KeyPair): void {
  if (pair.publicKey.asymmetricKeyType === 'rsa' && !idleRsaPairs.includes(pair)) idleRsaPairs.push(pair)
}
