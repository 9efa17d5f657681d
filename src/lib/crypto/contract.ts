import type { SignatureAlgorithm } from '../algorithms.js'
import type { MaybePromise } from '../maybe-promise.js'

/** The members of a public JWK that a signature check needs (RFC 7518 §6, RFC 8037 §2). */
export interface PublicJwk {
  readonly kty: 'RSA' | 'EC' | 'OKP'
  readonly n?: string
  readonly e?: string
  readonly crv?: string
  readonly x?: string
  readonly y?: string
}

/**
 * Checks one signature with one prepared key for one algorithm. `signingInput` is ASCII (the two first segments of a
 * compact JWS with their dot); `signature` is the third segment, still in base64url.
 */
export type SignatureCheck = (signingInput: string, signature: string) => MaybePromise<boolean>

/**
 * What the library needs of a platform's cryptography. `node.ts` answers synchronously with prepared `KeyObject`s,
 * `web.ts` through WebCrypto; package.json's `imports` picks one, and one test suite holds both equal.
 */
export interface PlatformCrypto {
  /** Prepares a key. Rejects (or throws) when the platform refuses it: a point off the curve, a modulus it cannot read. */
  createSignatureCheck(jwk: PublicJwk, algorithm: SignatureAlgorithm): MaybePromise<SignatureCheck>
  /** SHA-256 of the UTF-8 bytes of `text`, in base64url. */
  sha256Base64url(text: string): MaybePromise<string>
  /** SHA-256 of `bytes`, in base64url. */
  sha256BytesBase64url(bytes: Uint8Array): MaybePromise<string>
  /** HMAC-SHA-256 of `text` under `key`, in base64url. */
  hmacSha256Base64url(key: Uint8Array, text: string): MaybePromise<string>
  /** Whether two strings are equal, in time that depends on their lengths only. */
  constantTimeEqual(left: string, right: string): boolean
  /** Decodes unpadded base64url text into UTF-8 text; `undefined` when the bytes are no UTF-8. */
  decodeUtf8Base64url(text: string): string | undefined
  /** The number of bytes `text` decodes to, and the bytes. */
  decodeBase64url(text: string): Uint8Array
  encodeBase64url(bytes: Uint8Array): string
}
