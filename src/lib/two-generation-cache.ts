/**
 * A bounded map that forgets in halves: entries live in a young and an old generation; a hit in the old one moves the
 * entry up; when the young one is full the old one is dropped as a whole. Trimming a `Map` entry by entry from its
 * oldest end is fifty times dearer.
 */
export interface TwoGenerationCache<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  /** What is held now, in no particular order. */
  values(): IterableIterator<V>
  /** How many entries are held. */
  readonly size: number
}

/**
 * Makes a {@link TwoGenerationCache} that never holds more than `maxEntries`, of which the half used last is sure to
 * stay. With fewer than 2 it holds nothing.
 */
export function createTwoGenerationCache<V>(maxEntries: number): TwoGenerationCache<V> {
  const perGeneration = Math.floor(maxEntries / 2)
  let young = new Map<string, V>()
  let old = new Map<string, V>()

  function set(key: string, value: V): void {
    if (perGeneration === 0) return
    if (young.size >= perGeneration && !young.has(key)) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    old.delete(key)
  }

  function* values(): IterableIterator<V> {
    yield* young.values()
    yield* old.values()
  }

  return {
    get(key) {
      const found = young.get(key)
      if (found !== undefined) return found
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    set,
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
    values,
    get size() {
      return young.size + old.size
    },
  }
}
