import { constants, createHmac, type KeyObject, sign, verify } from 'node:crypto'
import { type AlgorithmTraits, algorithmTraits, type SignatureAlgorithm } from '../jws/algorithms.js'
import { type JsonObject, parseJsonObject } from '../kit/json.js'
import type { SigningKey } from './key-ring.js'

/**
 * What may sign a token: a key pair; a shared secret, for attacks that pass a public key off as one (HMAC-SHA-256); or
 * `none`, which leaves the third segment empty.
 *
 * @group Testing
 */
export type TokenSigner = SigningKey | { readonly secret: string | Uint8Array } | 'none'

/**
 * Signs a compact JWS and checks nothing: header and payload go out as given, so that whatever a hostile issuer or
 * client may write can be written. An object becomes JSON; a string is taken byte for byte, which makes room for
 * repeated members, broken JSON or no JSON at all. The header is not touched: name `alg` yourself.
 *
 * @example
 * ```ts
 * const key = issuer.signingKey()
 * const twice = signCompact({ header: `{"alg":"ES256","kid":"${key.kid}","kid":"other"}`, payload: claims, key })
 * const unsigned = signCompact({ header: { alg: 'none' }, payload: claims, key: 'none' })
 * ```
 * @group Testing
 */
export function signCompact(parts: {
  readonly header: JsonObject | string
  readonly payload: JsonObject | string | Uint8Array
  readonly key: TokenSigner
}): string {
  return signSegments(`${toSegment(parts.header)}.${toSegment(parts.payload)}`, parts.key)
}

/** Appends a signature over segments that are encoded already, well or badly. */
export function signSegments(signingInput: string, key: TokenSigner): string {
  return `${signingInput}.${signature(signingInput, key)}`
}

/** Whether `token` carries a valid signature of `key`. Looks at no claim and no header. */
export function hasValidSignature(token: string, key: SigningKey): boolean {
  const dot = token.lastIndexOf('.')
  const data = Buffer.from(token.slice(0, dot))
  const bytes = Buffer.from(token.slice(dot + 1), 'base64url')
  return verify(digestOf(key.algorithm), data, keyInput(key.publicKey, key.algorithm), bytes)
}

/** The base64url segment of a header or payload; text and bytes are encoded as they are. */
function toSegment(part: JsonObject | string | Uint8Array): string {
  if (part instanceof Uint8Array) return Buffer.from(part).toString('base64url')
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

function signature(signingInput: string, key: TokenSigner): string {
  if (key === 'none') return ''
  if ('secret' in key) return createHmac('sha256', key.secret).update(signingInput).digest('base64url')
  const bytes = sign(digestOf(key.algorithm), Buffer.from(signingInput), keyInput(key.privateKey, key.algorithm))
  return bytes.toString('base64url')
}

function digestOf(algorithm: SignatureAlgorithm): string | null {
  const { hash } = algorithmTraits.get(algorithm) as AlgorithmTraits
  return hash === undefined ? null : hash.replace('-', '')
}

/** RFC 7518 §3.4 wants R and S side by side, §3.5 a salt as long as the hash. */
function keyInput(key: KeyObject, algorithm: SignatureAlgorithm) {
  if (algorithm.startsWith('ES')) return { key, dsaEncoding: 'ieee-p1363' as const }
  if (!algorithm.startsWith('PS')) return { key }
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
}

/** Which segment of a signed token is changed after signing. @group Testing */
export type TamperedSegment = 'header' | 'payload' | 'signature'

const tamperers: Record<TamperedSegment, (segments: readonly [string, string, string]) => string> = {
  header: ([header, payload, signature]) => `${withMember(header)}.${payload}.${signature}`,
  payload: ([header, payload, signature]) => `${header}.${withMember(payload)}.${signature}`,
  signature: ([header, payload, signature]) => `${header}.${payload}.${withBitFlipped(signature)}`,
}

/**
 * Changes one segment of a compact JWS so that all of it still parses and only the signature can tell: header and
 * payload get one more member, the signature one flipped bit.
 *
 * @param token - a compact JWS whose header and payload are JSON objects.
 * @example
 * ```ts
 * const response = await callApi(tamperWith(goodToken, 'payload')) // 401
 * ```
 * @group Testing
 */
export function tamperWith(token: string, segment: TamperedSegment): string {
  return tamperers[segment](token.split('.') as [string, string, string])
}

function withMember(segment: string): string {
  const members = parseJsonObject(Buffer.from(segment, 'base64url').toString())
  return toSegment({ ...members, tampered: true })
}

function withBitFlipped(signature: string): string {
  const bytes = Buffer.from(signature, 'base64url')
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
  return bytes.toString('base64url')
}
