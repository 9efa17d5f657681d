import { createSignatureCheck } from '#crypto'
import type { MaybePromise } from '../kit/maybe-promise.js'
import type { SignatureAlgorithm } from './algorithms.js'
import type { SignatureCheck } from './crypto/platform-crypto.js'
import { fitsAlgorithm, type PublishedJwk } from './jwk.js'

/**
 * One usable public key of an issuer. The object lives as long as the issuer publishes the key: a refresh that brings
 * the same key keeps the object, one that no longer brings it sets {@link VerificationKey.withdrawn}.
 */
export interface VerificationKey {
  readonly kid: string | undefined
  /** What was published, without the members that are not used. Frozen. */
  readonly jwk: PublishedJwk
  /** True once a successful refresh no longer brought this key. Whatever it signed is refused from then on. */
  readonly withdrawn: boolean
  /**
   * The check for an algorithm, prepared once; `undefined` where key and algorithm do not fit (RFC 7518 §3). A key whose
   * JWK names no `alg` serves every algorithm of its type: the caller's allow-list says which of them are accepted.
   */
  signatureCheck(algorithm: SignatureAlgorithm): MaybePromise<SignatureCheck | undefined>
}

/** A {@link VerificationKey} and what its key set needs to manage it. */
export interface ManagedKey extends VerificationKey {
  /** Equal for two entries exactly when they are the same key under the same name for the same algorithm. */
  readonly identity: string
  /** Whether the key may check signatures of `algorithm`. */
  fits(algorithm: SignatureAlgorithm): boolean
  /** Sets {@link VerificationKey.withdrawn}, for good. */
  withdraw(): void
}

/** Stands for one published key: what two entries must share for a refresh to keep the key object. */
export function keyIdentity({ kid, alg, kty, n, e, crv, x, y }: PublishedJwk): string {
  return JSON.stringify([kid, alg, kty, n, e, crv, x, y].map((member) => member ?? null))
}

/**
 * Makes a key of a JWK that `readPublicJwk` accepted. The platform sees it at the first use of an algorithm; a key it
 * refuses, such as a point off its curve, then gives no check for that algorithm, and throws nothing.
 */
export function createVerificationKey(jwk: PublishedJwk): ManagedKey {
  const checks = new Map<SignatureAlgorithm, MaybePromise<SignatureCheck | undefined>>()

  function prepare(algorithm: SignatureAlgorithm): MaybePromise<SignatureCheck | undefined> {
    const check = importKey(jwk, algorithm)
    checks.set(algorithm, check)
    if (check instanceof Promise) void check.then((settled) => checks.set(algorithm, settled))
    return check
  }

  const fits = (algorithm: SignatureAlgorithm): boolean => fitsAlgorithm(jwk, algorithm)

  const key = {
    kid: jwk.kid,
    jwk,
    identity: keyIdentity(jwk),
    withdrawn: false,
    fits,
    signatureCheck(algorithm: SignatureAlgorithm) {
      if (!fits(algorithm)) return undefined
      return checks.has(algorithm) ? checks.get(algorithm) : prepare(algorithm)
    },
    withdraw() {
      key.withdrawn = true
    },
  }
  return key
}

function importKey(jwk: PublishedJwk, algorithm: SignatureAlgorithm): MaybePromise<SignatureCheck | undefined> {
  try {
    const check: MaybePromise<SignatureCheck> = createSignatureCheck(jwk, algorithm)
    return check instanceof Promise ? check.catch(() => undefined) : check
  } catch {
    return undefined
  }
}
