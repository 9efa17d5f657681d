import { type AlgorithmTraits, algorithmTraits, type SignatureAlgorithm } from '../algorithms.js'
import type { AesGcm, PublicJwk, Segments, SignatureCheck } from './platform-crypto.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

interface WebAlgorithm {
  readonly importParams: RsaHashedImportParams | EcKeyImportParams | AlgorithmIdentifier
  readonly verifyParams: RsaPssParams | EcdsaParams | AlgorithmIdentifier
}

const saltLength = { 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 } as const

function webAlgorithm(algorithm: SignatureAlgorithm, { kty, crv, hash }: AlgorithmTraits): WebAlgorithm {
  if (kty === 'OKP' || hash === undefined) return { importParams: 'Ed25519', verifyParams: 'Ed25519' }
  if (kty === 'EC') {
    return { importParams: { name: 'ECDSA', namedCurve: crv as string }, verifyParams: { name: 'ECDSA', hash } }
  }
  if (algorithm.startsWith('PS')) {
    return {
      importParams: { name: 'RSA-PSS', hash },
      verifyParams: { name: 'RSA-PSS', saltLength: saltLength[hash] },
    }
  }
  return { importParams: { name: 'RSASSA-PKCS1-v1_5', hash }, verifyParams: 'RSASSA-PKCS1-v1_5' }
}

/** See `PlatformCrypto.createSignatureCheck`. */
export async function createSignatureCheck(jwk: PublicJwk, algorithm: SignatureAlgorithm): Promise<SignatureCheck> {
  const traits = algorithmTraits.get(algorithm) as AlgorithmTraits
  const { importParams, verifyParams } = webAlgorithm(algorithm, traits)
  const key = await crypto.subtle.importKey('jwk', membersOf(jwk), importParams, false, ['verify'])
  const signatureBytes = traits.signatureBytes ?? modulusBytes(key)
  return async (signingInput, signature) => {
    if (signature.length !== signatureBytes) return false
    return crypto.subtle.verify(verifyParams, key, new Uint8Array(signature), encoder.encode(signingInput))
  }
}

function membersOf({ kty, n, e, crv, x, y }: PublicJwk): JsonWebKey {
  return Object.fromEntries(Object.entries({ kty, n, e, crv, x, y }).filter(([, value]) => value !== undefined))
}

/** See `PlatformCrypto.publicKeySpki`. The algorithm only has to be one of the key's type: it is not in the result. */
export async function publicKeySpki(jwk: PublicJwk): Promise<Uint8Array> {
  const named = { RSA: 'RS256', 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' } as const
  const algorithm = named[(jwk.crv ?? 'RSA') as keyof typeof named]
  const { importParams } = webAlgorithm(algorithm, algorithmTraits.get(algorithm) as AlgorithmTraits)
  const key = await crypto.subtle.importKey('jwk', membersOf(jwk), importParams, true, ['verify'])
  return new Uint8Array(await crypto.subtle.exportKey('spki', key))
}

/** See `PlatformCrypto.readCertificate`: WebCrypto reads none. */
export function readCertificate(): undefined {
  return undefined
}

function modulusBytes({ algorithm }: CryptoKey): number {
  return Math.ceil((algorithm as RsaHashedKeyAlgorithm).modulusLength / 8)
}

/** See `PlatformCrypto.sha256Base64url`. */
export async function sha256Base64url(text: string): Promise<string> {
  return sha256BytesBase64url(encoder.encode(text))
}

/** See `PlatformCrypto.sha256BytesBase64url`. */
export async function sha256BytesBase64url(bytes: Uint8Array): Promise<string> {
  return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))))
}

/** See `PlatformCrypto.hmacSha256Base64url`. */
export async function hmacSha256Base64url(key: Uint8Array, text: string): Promise<string> {
  const params = { name: 'HMAC', hash: 'SHA-256' }
  const imported = await crypto.subtle.importKey('raw', new Uint8Array(key), params, false, ['sign'])
  return encodeBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text))))
}

/** See `PlatformCrypto.createAesGcm`. */
export function createAesGcm(secret: Uint8Array): AesGcm {
  const imported = crypto.subtle.importKey('raw', new Uint8Array(secret), 'AES-GCM', false, ['encrypt', 'decrypt'])
  const parameters = (nonce: Uint8Array, place: string) => {
    return { name: 'AES-GCM', iv: new Uint8Array(nonce), additionalData: encoder.encode(place) }
  }
  return {
    async seal(nonce, text, place) {
      const bytes = await crypto.subtle.encrypt(parameters(nonce, place), await imported, encoder.encode(text))
      return encodeBase64url(new Uint8Array(bytes))
    },
    async open(nonce, sealed, place) {
      const key = await imported
      try {
        return decoder.decode(await crypto.subtle.decrypt(parameters(nonce, place), key, decodeBase64url(sealed)))
      } catch {
        return undefined
      }
    },
  }
}

/** See `PlatformCrypto.constantTimeEqual`. */
export function constantTimeEqual(left: string, right: string): boolean {
  const leftBytes = encoder.encode(left)
  const rightBytes = encoder.encode(right)
  if (leftBytes.length !== rightBytes.length) return false
  let difference = 0
  for (const [index, byte] of leftBytes.entries()) difference |= byte ^ (rightBytes[index] as number)
  return difference === 0
}

const foreignCharacter = /[^\w.-]/

/** See `PlatformCrypto.decodeSegments`. */
export function decodeSegments(
  text: string,
  { payload, signature }: Segments,
): { payload: string; signature: Uint8Array } | undefined {
  const json = foreignCharacter.test(text) ? undefined : decodeUtf8Base64url(payload)
  return json === undefined ? undefined : { payload: json, signature: decodeBase64url(signature) }
}

/** See `PlatformCrypto.decodeUtf8Base64url`. */
export function decodeUtf8Base64url(text: string): string | undefined {
  try {
    return decoder.decode(decodeBase64url(text))
  } catch {
    return undefined
  }
}

/** See `PlatformCrypto.decodeBase64url`. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
}

/** See `PlatformCrypto.encodeBase64url`. */
export function encodeBase64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
