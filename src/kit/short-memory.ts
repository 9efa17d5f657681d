import { createBoundedCache } from './bounded-cache.js'
import type { Clock } from './clock.js'

/** Values that are forgotten after a time, and earlier where there are too many. */
export interface ShortMemory<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
}

/** Makes a {@link ShortMemory}. */
export function createShortMemory<V>(maxEntries: number, ttlMs: number, clock: Clock): ShortMemory<V> {
  const entries = createBoundedCache<{ readonly value: V; readonly untilMs: number }>(maxEntries)
  return {
    get(key) {
      const entry = entries.get(key)
      return entry !== undefined && clock() < entry.untilMs ? entry.value : undefined
    },
    set(key, value) {
      entries.set(key, { value, untilMs: clock() + ttlMs })
    },
  }
}
