/** A token bucket: a budget that refills with time. */
export interface TokenBucket {
  /** Takes one token. False, taking nothing, when there is none. */
  take(nowMs: number): boolean
  /** How long until there is a token, in milliseconds; 0 when there is one. Takes nothing. */
  waitMs(nowMs: number): number
}

/** What a bucket holds and how fast it refills. */
export interface TokenBucketOptions {
  /** The most tokens it holds, and how many it starts with. */
  readonly capacity: number
  /** How long one token takes to come back, in milliseconds. */
  readonly refillIntervalMs: number
}

/** A full {@link TokenBucket}. A clock that goes backwards adds nothing and takes nothing away. */
export function createTokenBucket({ capacity, refillIntervalMs }: TokenBucketOptions): TokenBucket {
  // Counted in milliseconds of refilling, which add up without rounding.
  const fullMs = capacity * refillIntervalMs
  let filledMs = fullMs
  let countedAtMs: number | undefined

  function refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - (countedAtMs ?? nowMs))
    filledMs = Math.min(fullMs, filledMs + elapsedMs)
    countedAtMs = nowMs
  }

  return {
    take(nowMs) {
      refill(nowMs)
      if (filledMs < refillIntervalMs) return false
      filledMs -= refillIntervalMs
      return true
    },
    waitMs(nowMs) {
      refill(nowMs)
      return Math.max(0, refillIntervalMs - filledMs)
    },
  }
}
