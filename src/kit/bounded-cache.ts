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

/** So many places stand in one array, and twice as many keys in one map: larger ones would hold up a request as they grow. */
const pageBits = 13
const inPage = 2 ** pageBits - 1

/** Makes a {@link BoundedCache} that never holds more than `maxEntries`, and forgets nothing before it holds as many. */
export function createBoundedCache<V>(maxEntries: number): BoundedCache<V> {
  const places = createPlaces(maxEntries)
  const pages: Page<V>[] = []
  const free: number[] = []
  let taken = 0
  let hand = 0

  const pageOf = (at: number): Page<V> => pages[at >> pageBits] as Page<V>

  function place(): number {
    if (free.length > 0) return free.pop() as number
    if (taken < maxEntries) {
      if ((taken & inPage) === 0) pages.push(createPage(Math.min(inPage + 1, maxEntries - taken)))
      return taken++
    }
    for (let page = pageOf(hand); page.used[hand & inPage]; page = pageOf(hand)) {
      page.used[hand & inPage] = 0
      hand = (hand + 1) % maxEntries
    }
    const forgotten = hand
    const key = pageOf(forgotten).keys[forgotten & inPage] as string
    places.of(key).delete(key)
    hand = (hand + 1) % maxEntries
    return forgotten
  }

  return {
    get(key) {
      const at = places.of(key).get(key)
      if (at === undefined) return undefined
      const page = pageOf(at)
      page.used[at & inPage] = 1
      return page.values[at & inPage]
    },
    set(key, value) {
      if (maxEntries < 1) return
      const map = places.of(key)
      const known = map.get(key)
      const at = known ?? place()
      if (known === undefined) map.set(key, at)
      const { keys, values, used } = pageOf(at)
      keys[at & inPage] = key
      values[at & inPage] = value
      used[at & inPage] = known === undefined ? 0 : 1
    },
    delete(key) {
      const map = places.of(key)
      const at = map.get(key)
      if (at === undefined) return
      map.delete(key)
      pageOf(at).values[at & inPage] = undefined
      free.push(at)
    },
    *values() {
      for (const map of places.all) for (const at of map.values()) yield pageOf(at).values[at & inPage] as V
    },
    get size() {
      return taken - free.length
    },
  }
}

interface Page<V> {
  readonly keys: string[]
  readonly values: (V | undefined)[]
  /** Which were used since the hand came by. */
  readonly used: Uint8Array
}

function createPage<V>(size: number): Page<V> {
  return { keys: [], values: [], used: new Uint8Array(size) }
}

interface Places {
  /** The map that a key belongs into. */
  of(key: string): Map<string, number>
  readonly all: readonly Map<string, number>[]
}

/** The places of keys, in as many maps as it takes to keep each of them small. A `Map` moves all it holds when it grows. */
function createPlaces(maxEntries: number): Places {
  const count = 2 ** Math.min(12, Math.max(0, Math.ceil(Math.log2(maxEntries) - pageBits - 1)))
  const all = Array.from({ length: count }, () => new Map<string, number>())
  const [only] = all as [Map<string, number>]
  if (count === 1) return { of: () => only, all }
  return { of: (key) => all[spot(key) & (count - 1)] as Map<string, number>, all }
}

/** Keys of large caches are digests: two characters spread over 4096. Others may share a map. */
function spot(key: string): number {
  return (key.charCodeAt(0) & 63) * 64 + (key.charCodeAt(1) & 63)
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
