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
  let tokens = capacity
  let countedAtMs: number | undefined
  return {
    take(nowMs) {
      const elapsedMs = Math.max(0, nowMs - (countedAtMs ?? nowMs))
      tokens = Math.min(capacity, tokens + elapsedMs / refillIntervalMs)
      countedAtMs = nowMs
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
