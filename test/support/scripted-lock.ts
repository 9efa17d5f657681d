import type { Lease, LockStore } from 'portcullis'

/** A lock that says no so many times first; `extend` answers, or throws, what it is told. */
export function scriptedLock({
  busy = 0,
  extend = async () => true,
}: {
  busy?: number
  extend?: Lease['extend']
} = {}) {
  const log: string[] = []
  let left = busy
  const lock: LockStore = {
    async acquire(key, ttlMs) {
      log.push(`acquire ${key} ${ttlMs}`)
      if (left-- > 0) return undefined
      return {
        extend(longerMs) {
          log.push(`extend ${longerMs}`)
          return extend(longerMs)
        },
        release: async () => void log.push('release'),
      }
    },
  }
  return { lock, log }
}
