import { createBoundedCache } from '../lib/bounded-cache.js'
import type { Clock } from '../lib/clock.js'

/** Remembers refusals for seconds, so that a refused caller does not ask the token endpoint with every request. */
export interface RefusalMemory {
  /** What the exchange for `key` failed with lately. */
  get(key: string): unknown
  add(key: string, thrown: unknown): void
}

const maxRefusals = 1000

/** Makes a bounded memory that forgets after `ttlMs`. */
export function createRefusalMemory(ttlMs: number, clock: Clock): RefusalMemory {
  const refusals = createBoundedCache<{ readonly thrown: unknown; readonly untilMs: number }>(maxRefusals)
  return {
    get(key) {
      const known = refusals.get(key)
      return known !== undefined && clock() < known.untilMs ? known.thrown : undefined
    },
    add(key, thrown) {
      refusals.set(key, { thrown, untilMs: clock() + ttlMs })
    },
  }
}
