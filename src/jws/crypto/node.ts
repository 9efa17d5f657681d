import { Buffer, isUtf8 } from 'node:buffer'
import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  hash,
  type KeyObject,
  timingSafeEqual,
  type VerifyKeyObjectInput,
  X509Certificate,
} from 'node:crypto'
import { availableParallelism } from 'node:os'
import { type AlgorithmTraits, algorithmTraits, type SignatureAlgorithm } from '../algorithms.js'
import type { CertificateFacts, PublicJwk, Segments, SignatureCheck } from './platform-crypto.js'
import { createSpreadVerify } from './spread-verify-node.js'

export { createAesGcm } from './aes-gcm-node.js'

const canSpread = availableParallelism() > 1
/** Handing an RSA check over takes a third of the time it takes to make it; of one on a curve, a tenth. */
const spread = {
  rsa: createSpreadVerify(canSpread ? 32 : Number.POSITIVE_INFINITY),
  curve: createSpreadVerify(canSpread ? 16 : Number.POSITIVE_INFINITY),
}

const digestName = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const

type HashName = keyof typeof digestName

/** BoringSSL, and so Bun, has no keys that are bound to RSASSA-PSS: there each check says what it is made by. */
function boundToPss(key: KeyObject, hashName: HashName): KeyObject | VerifyKeyObjectInput {
  const spki = Buffer.from(rsaPssSpki(key.export({ format: 'der', type: 'pkcs1' }), hashName))
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLength[hashName] }
  }
}

/** See `PlatformCrypto.createSignatureCheck`. Synchronous here, but under load. */
export function createSignatureCheck(jwk: PublicJwk, algorithm: SignatureAlgorithm): SignatureCheck {
  const traits = algorithmTraits.get(algorithm) as AlgorithmTraits
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  const digest = traits.hash === undefined ? null : digestName[traits.hash]
  const { signatureBytes } = traits
  if (traits.kty === 'EC') {
    return (signingInput, signature) => {
      const der = signature.length === signatureBytes ? ecdsaDer(signature) : undefined
      return der !== undefined && spread.curve(digest, Buffer.from(signingInput, 'latin1'), key, der)
    }
  }
  if (traits.kty === 'OKP') {
    return (signingInput, signature) => {
      const fits = signature.length === signatureBytes
      return fits && spread.curve(digest, Buffer.from(signingInput, 'latin1'), key, signature)
    }
  }
  const modulusBytes = Math.ceil((key.asymmetricKeyDetails?.modulusLength as number) / 8)
  const bound = algorithm.startsWith('PS') ? boundToPss(key, traits.hash as HashName) : key
  return (signingInput, signature) => {
    const fits = signature.length === modulusBytes
    return fits && spread.rsa(digest, Buffer.from(signingInput, 'latin1'), bound, signature)
  }
}

/** See `PlatformCrypto.publicKeySpki`. Synchronous here. */
export function publicKeySpki(jwk: PublicJwk): Uint8Array {
  return createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ format: 'der', type: 'spki' })
}

/** See `PlatformCrypto.readCertificate`. */
export function readCertificate(base64: string): CertificateFacts | undefined {
  try {
    const certificate = new X509Certificate(Buffer.from(base64, 'base64'))
    const { subject, issuer, serialNumber, validFrom, validTo, fingerprint256, publicKey } = certificate
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    return { subject, issuer, serialNumber, validFrom, validTo, fingerprint256, spki }
  } catch {
    return undefined
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

/** What is decoded here is read at once: memory of its own for each segment takes a third more instructions. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024)

/**
 * See `PlatformCrypto.decodeSegments`. `Buffer` passes over what is not of the alphabet, so that fewer bytes come out than
 * the text has room for, but it reads `+` and `/`, and the low byte of a character beyond ASCII. A regular expression over
 * the token takes a quarter of all the instructions of a new one.
 */
export function decodeSegments(
  text: string,
  { header, payload, signature }: Segments,
): { payload: string; signature: Uint8Array } | undefined {
  if (text.includes('+') || text.includes('/') || Buffer.byteLength(text) !== text.length) return undefined
  const room = text.length <= scratch.length ? scratch : Buffer.allocUnsafe(text.length)
  if (room.write(header, 'base64url') !== byteCount(header)) return undefined
  const payloadBytes = room.write(payload, 'base64url')
  if (payloadBytes !== byteCount(payload)) return undefined
  const json = utf8Text(room, payloadBytes)
  const signatureBytes = Buffer.from(signature, 'base64url')
  if (json === undefined || signatureBytes.length !== byteCount(signature)) return undefined
  return { payload: json, signature: signatureBytes }
}

/** Of canonical base64url without padding. */
function byteCount(text: string): number {
  return (text.length * 3) >> 2
}

/** Where bytes are no UTF-8 the replacement character comes out, which may be there by right, too. */
function utf8Text(bytes: Buffer, end: number): string | undefined {
  const text = bytes.toString('utf8', 0, end)
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(0, end)) ? undefined : text
}

/** See `PlatformCrypto.decodeUtf8Base64url`. */
export function decodeUtf8Base64url(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return utf8Text(bytes, bytes.length)
}

/** See `PlatformCrypto.decodeBase64url`. */
export function decodeBase64url(text: string): Uint8Array {
  return Buffer.from(text, 'base64url')
}

/** See `PlatformCrypto.encodeBase64url`. */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/**
 * Converts a raw ECDSA signature (R and S side by side, RFC 7518 §3.4) into DER, the form a bare `KeyObject` takes.
 * `undefined` when R or S is zero: no signature has that.
 */
export function ecdsaDer(raw: Uint8Array): Uint8Array | undefined {
  const half = raw.length >> 1
  const rStart = firstNonZero(raw, 0, half)
  const sStart = firstNonZero(raw, half, raw.length)
  if (rStart === half || sStart === raw.length) return undefined
  const rPad = (raw[rStart] as number) >> 7
  const sPad = (raw[sStart] as number) >> 7
  const rLength = half - rStart + rPad
  const sLength = raw.length - sStart + sPad
  const bodyLength = rLength + sLength + 4
  const long = bodyLength > 127 ? 1 : 0
  const der = new Uint8Array(bodyLength + 2 + long)
  let at = 0
  der[at++] = 0x30
  if (long) der[at++] = 0x81
  der[at++] = bodyLength
  der[at++] = 0x02
  der[at++] = rLength
  der.set(raw.subarray(rStart, half), at + rPad)
  at += rLength
  der[at++] = 0x02
  der[at++] = sLength
  der.set(raw.subarray(sStart), at + sPad)
  return der
}

function firstNonZero(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] === 0) at++
  return at
}

/*
 * An RSA public key in SubjectPublicKeyInfo form with the id-RSASSA-PSS algorithm and fixed parameters (RFC 4055 §3.1).
 * A key in that form carries padding, hash and salt length with it, so that `crypto.verify` can take the bare
 * `KeyObject`: the options object costs 11 to 37 µs a call on Node 24.
 */
const oid = {
  rsassaPss: [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
  mgf1: [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08],
  hash: {
    'SHA-256': [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
    'SHA-384': [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
    'SHA-512': [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
  },
} as const

const saltLength = { 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 } as const

const tag = { integer: 0x02, bitString: 0x03, nullValue: 0x05, sequence: 0x30, context: 0xa0 } as const

function der(type: number, ...parts: ReadonlyArray<ArrayLike<number>>): number[] {
  const body = parts.flatMap((part) => Array.from(part))
  if (body.length < 0x80) return [type, body.length, ...body]
  const length: number[] = []
  for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff)
  return [type, 0x80 | length.length, ...length, ...body]
}

/** The DER bytes of the RSA key whose `RSAPublicKey` (RFC 8017 A.1.1) is given, bound to RSASSA-PSS with `hash`. */
export function rsaPssSpki(rsaPublicKey: Uint8Array, hash: HashName): Uint8Array {
  const hashAlgorithm = der(tag.sequence, oid.hash[hash], [tag.nullValue, 0])
  const parameters = der(
    tag.sequence,
    der(tag.context, hashAlgorithm),
    der(tag.context + 1, der(tag.sequence, oid.mgf1, hashAlgorithm)),
    der(tag.context + 2, der(tag.integer, [saltLength[hash]])),
  )
  return Uint8Array.from(
    der(tag.sequence, der(tag.sequence, oid.rsassaPss, parameters), der(tag.bitString, [0], rsaPublicKey)),
  )
}
