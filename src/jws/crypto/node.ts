import { isUtf8 } from 'node:buffer'
import { createHash, createHmac, createPublicKey, hash, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { type AlgorithmTraits, algorithmTraits, type SignatureAlgorithm } from '../algorithms.js'
import type { PublicJwk, SignatureCheck } from './contract.js'
import { ecdsaDer } from './ecdsa-der.js'
import { rsaPssSpki } from './rsa-pss-spki.js'
import { createSpreadVerify } from './spread-verify.js'

const spreadVerify = createSpreadVerify()

const digestName = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const

function importKey(jwk: PublicJwk, algorithm: SignatureAlgorithm, { hash: keyHash }: AlgorithmTraits): KeyObject {
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  if (!algorithm.startsWith('PS') || keyHash === undefined) return key
  const rsaPublicKey = key.export({ format: 'der', type: 'pkcs1' })
  return createPublicKey({ key: Buffer.from(rsaPssSpki(rsaPublicKey, keyHash)), format: 'der', type: 'spki' })
}

/** See `PlatformCrypto.createSignatureCheck`. Synchronous here, but for curves under load. */
export function createSignatureCheck(jwk: PublicJwk, algorithm: SignatureAlgorithm): SignatureCheck {
  const traits = algorithmTraits.get(algorithm) as AlgorithmTraits
  const key = importKey(jwk, algorithm, traits)
  const digest = traits.hash === undefined ? null : digestName[traits.hash]
  const { signatureBytes } = traits
  if (traits.kty === 'EC') {
    return (signingInput, signature) => {
      const raw = Buffer.from(signature, 'base64url')
      const der = raw.length === signatureBytes ? ecdsaDer(raw) : undefined
      return der !== undefined && spreadVerify(digest, Buffer.from(signingInput, 'latin1'), key, der)
    }
  }
  if (traits.kty === 'OKP') {
    return (signingInput, signature) => {
      const raw = Buffer.from(signature, 'base64url')
      return raw.length === signatureBytes && spreadVerify(digest, Buffer.from(signingInput, 'latin1'), key, raw)
    }
  }
  const modulusBytes = Math.ceil((key.asymmetricKeyDetails?.modulusLength as number) / 8)
  return (signingInput, signature) => {
    const raw = Buffer.from(signature, 'base64url')
    return raw.length === modulusBytes && verify(digest, Buffer.from(signingInput, 'latin1'), key, raw)
  }
}

/** See `PlatformCrypto.sha256Base64url`. Synchronous here. */
export function sha256Base64url(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** See `PlatformCrypto.sha256BytesBase64url`. Synchronous here. */
export function sha256BytesBase64url(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** See `PlatformCrypto.hmacSha256Base64url`. Synchronous here. */
export function hmacSha256Base64url(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** See `PlatformCrypto.constantTimeEqual`. */
export function constantTimeEqual(left: string, right: string): boolean {
  const leftBytes = Buffer.from(left)
  const rightBytes = Buffer.from(right)
  return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes)
}

/** See `PlatformCrypto.decodeUtf8Base64url`. */
export function decodeUtf8Base64url(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** See `PlatformCrypto.decodeBase64url`. */
export function decodeBase64url(text: string): Uint8Array {
  return Buffer.from(text, 'base64url')
}

/** See `PlatformCrypto.encodeBase64url`. */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}
