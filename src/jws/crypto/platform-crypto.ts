import type { MaybePromise } from '../../kit/maybe-promise.js'
import type { SignatureAlgorithm } from '../algorithms.js'

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
 * compact JWS with their dot); `signature` is what the third segment stands for.
 */
export type SignatureCheck = (signingInput: string, signature: Uint8Array) => MaybePromise<boolean>

/** The segments of a compact JWS, as they stand in it and without their dots. */
export interface Segments {
  readonly header: string
  readonly payload: string
  readonly signature: string
}

/** What an X.509 certificate says of itself. */
export interface CertificateFacts {
  readonly subject: string
  readonly issuer: string
  readonly serialNumber: string
  readonly validFrom: string
  readonly validTo: string
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint256: string
  /** The SubjectPublicKeyInfo of its key, in DER. */
  readonly spki: Uint8Array
}

/** AES-256-GCM with one prepared key, and 16 bytes of tag behind each ciphertext (NIST SP 800-38D). */
export interface AesGcm {
  /** Encrypts `text` as UTF-8 under `nonce`, 12 bytes that this key never had before; `place` is additional data. In base64url. */
  seal(nonce: Uint8Array, text: string, place: string): MaybePromise<string>
  /** The text; `undefined` unless all three are what they were when `sealed`, canonical base64url, was made. */
  open(nonce: Uint8Array, sealed: string, place: string): MaybePromise<string | undefined>
}

/**
 * What the library needs of a platform's cryptography. `node.ts` answers synchronously with prepared `KeyObject`s (under
 * load the thread pool helps), `web.ts` through WebCrypto; package.json's `imports` picks one, and one test suite holds both equal.
 */
export interface PlatformCrypto {
  /**
   * Prepares a key of the type and curve that `algorithm` demands, which the caller has checked. Rejects (or throws) when
   * the platform refuses it: a missing member, a point off the curve.
   */
  createSignatureCheck(jwk: PublicJwk, algorithm: SignatureAlgorithm): MaybePromise<SignatureCheck>
  /** The SubjectPublicKeyInfo of a key, in DER. Rejects or throws as {@link createSignatureCheck} does. */
  publicKeySpki(jwk: PublicJwk): MaybePromise<Uint8Array>
  /**
   * Reads an X.509 certificate from an entry of `x5c` (RFC 7517 §4.7), verifying nothing. `undefined` for anything else, and
   * where the platform reads none.
   */
  readCertificate(base64: string): CertificateFacts | undefined
  /** SHA-256 of the UTF-8 bytes of `text`, in base64url. */
  sha256Base64url(text: string): MaybePromise<string>
  /** SHA-256 of `bytes`, in base64url. */
  sha256BytesBase64url(bytes: Uint8Array): MaybePromise<string>
  /** HMAC-SHA-256 of `text` under `key`, in base64url. The key has at least one byte. */
  hmacSha256Base64url(key: Uint8Array, text: string): MaybePromise<string>
  /** Prepares a key of 32 bytes, of which it keeps a copy. */
  createAesGcm(secret: Uint8Array): AesGcm
  /** Whether two strings are equal, in time that depends on their lengths only. */
  constantTimeEqual(left: string, right: string): boolean
  /**
   * Decodes payload and signature of a compact JWS. `undefined` when any of the three segments has a character outside of
   * base64url, and when the payload is no UTF-8. The caller has checked their tails, see `hasCanonicalTail`.
   *
   * @param text - the whole JWS, which the segments are of.
   */
  decodeSegments(text: string, segments: Segments): { payload: string; signature: Uint8Array } | undefined
  /** Decodes canonical base64url (see `isBase64url`) into UTF-8 text; `undefined` when the bytes are no UTF-8. */
  decodeUtf8Base64url(text: string): string | undefined
  /** The bytes that `text`, canonical base64url or empty, stands for. Platforms differ on anything else. */
  decodeBase64url(text: string): Uint8Array
  encodeBase64url(bytes: Uint8Array): string
}
