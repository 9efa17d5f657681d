/**
 * Remembers which DPoP proofs were seen. One atomic call: of any number of concurrent reservations of a key, in any
 * number of processes that share the store, exactly one answers true.
 *
 * @group Stores
 */
export interface ReplayStore {
  /**
   * Reserves `key` for `ttlMs` milliseconds. False when it is taken. Rejects when the store cannot tell: the request is
   * then answered 503.
   */
  reserve(key: string, ttlMs: number): boolean | Promise<boolean>
}

/**
 * Remembers what was revoked, each entry until the last token it concerns has expired anyway.
 *
 * @group Stores
 */
export interface RevocationStore {
  /** Marks `key` as revoked for `ttlMs` milliseconds. `atMs` is the time of revocation. */
  revoke(key: string, atMs: number, ttlMs: number): void | Promise<void>
  /** The times of revocation of those keys that are revoked, in the order of `keys`; `undefined` for the others. */
  revokedAt(keys: readonly string[]): readonly (number | undefined)[] | Promise<readonly (number | undefined)[]>
}
