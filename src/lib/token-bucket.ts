/** A token bucket: a budget that refills with time. */
export interface TokenBucket {
  /** Takes one token. False, taking nothing, when there is none. */
  take(nowMs: number): boolean
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
  return {
    take(nowMs) {
      const elapsedMs = Math.max(0, nowMs - (countedAtMs ?? nowMs))
      filledMs = Math.min(fullMs, filledMs + elapsedMs)
      countedAtMs = nowMs
      if (filledMs < refillIntervalMs) return false
      filledMs -= refillIntervalMs
      return true
    },
  }
}
