import type { Clock } from './clock.js'

/**
 * A bounded map that gives an entry used since it was last looked at a second chance before it forgets it (CLOCK). A hit
 * sets one mark and moves nothing; a new entry goes into the place of the one forgotten. Trimming a `Map` from its oldest
 * end costs fifty times as much.
 */
export interface BoundedCache<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  /** What is held now, in no particular order. */
  values(): IterableIterator<V>
  /** How many entries are held. */
  readonly size: number
}

/** Makes a {@link BoundedCache} that never holds more than `maxEntries`, and forgets nothing before it holds as many. */
export function createBoundedCache<V>(maxEntries: number): BoundedCache<V> {
  const places = new Map<string, number>()
  const keys: string[] = []
  const values: (V | undefined)[] = []
  const used = new Uint8Array(Math.max(0, maxEntries))
  const free: number[] = []
  let hand = 0

  function place(): number {
    if (free.length > 0) return free.pop() as number
    if (keys.length < maxEntries) return keys.length
    while (used[hand]) {
      used[hand] = 0
      hand = (hand + 1) % maxEntries
    }
    const forgotten = hand
    places.delete(keys[forgotten] as string)
    hand = (hand + 1) % maxEntries
    return forgotten
  }

  return {
    get(key) {
      const at = places.get(key)
      if (at === undefined) return undefined
      used[at] = 1
      return values[at]
    },
    set(key, value) {
      if (maxEntries < 1) return
      const known = places.get(key)
      const at = known ?? place()
      if (known === undefined) places.set(key, at)
      keys[at] = key
      values[at] = value
      used[at] = known === undefined ? 0 : 1
    },
    delete(key) {
      const at = places.get(key)
      if (at === undefined) return
      places.delete(key)
      values[at] = undefined
      free.push(at)
    },
    *values() {
      for (const at of places.values()) yield values[at] as V
    },
    get size() {
      return places.size
    },
  }
}

/** Values that are forgotten after a time, and earlier where there are too many. */
export interface ShortMemory<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
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
    delete: (key) => entries.delete(key),
  }
}
