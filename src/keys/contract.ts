import type { SignatureAlgorithm } from '../lib/algorithms.js'
import type { SignatureCheck } from '../lib/crypto/contract.js'
import type { MaybePromise } from '../lib/maybe-promise.js'

/**
 * One usable public key of an issuer. The object lives as long as the issuer publishes the key: a refresh that brings
 * the same key keeps the object, one that no longer brings it sets {@link VerificationKey.withdrawn}.
 */
export interface VerificationKey {
  readonly kid: string | undefined
  /** True once a successful refresh no longer brought this key. Whatever it signed is refused from then on. */
  readonly withdrawn: boolean
  /** The check for an algorithm, prepared once; `undefined` where key and algorithm do not fit (RFC 7518 §3). */
  signatureCheck(algorithm: SignatureAlgorithm): MaybePromise<SignatureCheck | undefined>
  /**
   * Ties a key whose JWK names no `alg` to the algorithm of its first valid signature; from then on
   * {@link VerificationKey.signatureCheck} refuses every other one (one key, one algorithm: RFC 8725bis §3.1).
   */
  bindAlgorithm(algorithm: SignatureAlgorithm): void
}

/** Where an issuer's keys come from. Built by `createKeySet` (remote) and `createStaticKeys`. */
export interface KeySource {
  /**
   * The keys that may have signed a token: those with that `kid`, or at most 4 fitting ones when the header names none.
   * Answers at once while known keys are usable. Empty when the issuer has no such key, also after asking again.
   *
   * @throws {@link UnavailableError} `ERR_KEYS_UNAVAILABLE` or `ERR_DISCOVERY_UNAVAILABLE` with no usable key set.
   */
  find(kid: string | undefined, algorithm: SignatureAlgorithm): MaybePromise<readonly VerificationKey[]>
  /**
   * To be called with the time on every hit of a cached verification: starts a background refresh when one is due, and
   * tells whether the known keys may still be used (false once the stale window is over).
   */
  isServing(nowMs: number): boolean
  /** Fetches the keys now unless they are fresh. Rejects as {@link KeySource.find} does. */
  warmUp(): Promise<void>
  /** Forgets the time of the last fetch, so that the next use fetches anew; known keys serve meanwhile. */
  invalidate(): void
  health(): KeySourceHealth
}

/** The state of a key set, for readiness probes. Times are milliseconds since the Unix epoch. */
export interface KeySourceHealth {
  readonly state: 'empty' | 'fresh' | 'due' | 'stale' | 'expired'
  readonly keys: number
  readonly fetchedAtMs: number | undefined
  readonly expiresAtMs: number | undefined
  /** Why the last refresh failed; `undefined` after a success. */
  readonly lastFailure: string | undefined
}
