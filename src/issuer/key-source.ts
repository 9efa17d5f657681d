import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { VerificationKey } from '../jws/verification-key.js'
import type { KeySetReading } from '../kit/event-sink.js'
import type { IssuerFailureReason } from '../kit/failure-code.js'
import type { MaybePromise } from '../kit/maybe-promise.js'

/** Where an issuer's keys come from. Built by `createRemoteKeys` (remote) and `createStaticKeys`. */
export interface KeySource {
  /**
   * The keys that may have signed a token, in the order published: those with that `kid`, or all when the header names
   * none; of these the ones that fit `algorithm`, where one is given. Answers at once while such keys are known. Empty
   * when the issuer has no such key, also after asking again. Rejects, and never throws.
   *
   * @throws {@link UnavailableError} `ERR_KEYS_UNAVAILABLE` or `ERR_ISSUER_UNAVAILABLE` with no usable key set, and
   * for a `kid` that is not known while the issuer may not be asked again.
   */
  find(kid: string | undefined, algorithm: SignatureAlgorithm | undefined): MaybePromise<readonly VerificationKey[]>
  /**
   * To be called when none of the keys `tried` made a signature: the issuer may have a new key under an old name. Asks
   * it again where the budget for unknown names allows it, and gives the keys that were not tried. Never rejects.
   */
  findOthers(
    kid: string | undefined,
    algorithm: SignatureAlgorithm,
    tried: readonly VerificationKey[],
  ): Promise<readonly VerificationKey[]>
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
  /** The keys that are held now, whether or not they may still serve. No network. */
  held(): readonly VerificationKey[]
}

/** The state of a key set, for a gauge. */
export function keySetReading(
  issuer: string,
  { state, fetchedAtMs, clockOffsetMs }: KeySourceHealth,
  nowMs: number,
): KeySetReading {
  return { issuer, state, ageMs: fetchedAtMs === undefined ? undefined : nowMs - fetchedAtMs, clockOffsetMs }
}

/**
 * The state of a key set, for readiness probes. Times are milliseconds since the Unix epoch; `undefined` for static keys
 * and before the first fetch.
 */
export interface KeySourceHealth {
  readonly state: 'empty' | 'fresh' | 'due' | 'stale' | 'expired'
  readonly keys: number
  readonly fetchedAtMs: number | undefined
  /** From then on the next use fetches anew in the background. After `invalidate`, the time of the last fetch. */
  readonly refreshAtMs: number | undefined
  readonly expiresAtMs: number | undefined
  /** Known keys serve until then while fetching fails or hangs. */
  readonly staleUntilMs: number | undefined
  /** Why the last refresh failed; `undefined` after a success. */
  readonly lastFailure: IssuerFailureReason | undefined
  /**
   * How far the issuer's clock was ahead of this one at the last fetch, in whole seconds; `undefined` where its answer does
   * not tell, as behind a cache.
   */
  readonly clockOffsetMs: number | undefined
}
