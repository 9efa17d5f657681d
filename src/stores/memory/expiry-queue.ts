/** Keys in the order in which they run out, so that a store never searches for what it may forget. */
export interface ExpiryQueue {
  /** Notes that `key` runs out at `expiresAtMs`. */
  add(key: string, expiresAtMs: number): void
  /** Hands the keys that ran out to `forget`, `limit` of them at most: the rest waits for the next call. */
  drain(nowMs: number, limit: number, forget: (key: string) => void): void
}

interface Bucket {
  /** Every key in the bucket has run out by then. */
  readonly endMs: number
  readonly keys: string[]
}

const bucketMs = 1000

/**
 * Makes an {@link ExpiryQueue} of one-second buckets. Adding and draining cost the same however many keys there are;
 * buckets are few, since lifetimes are, and a new one nearly always goes last.
 */
export function createExpiryQueue(): ExpiryQueue {
  const buckets: Bucket[] = []

  function bucketFor(expiresAtMs: number): Bucket {
    const endMs = Math.ceil(expiresAtMs / bucketMs) * bucketMs
    let index = buckets.length
    while (index > 0 && (buckets[index - 1] as Bucket).endMs > endMs) index--
    const found = buckets[index - 1]
    if (found?.endMs === endMs) return found
    const bucket: Bucket = { endMs, keys: [] }
    buckets.splice(index, 0, bucket)
    return bucket
  }

  return {
    add(key, expiresAtMs) {
      bucketFor(expiresAtMs).keys.push(key)
    },
    drain(nowMs, limit, forget) {
      for (let left = limit; left > 0; left--) {
        const [first] = buckets
        if (first === undefined || first.endMs > nowMs) return
        const key = first.keys.pop() as string
        if (first.keys.length === 0) buckets.shift()
        forget(key)
      }
    },
  }
}
