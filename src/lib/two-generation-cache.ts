/**
 * A bounded map that forgets in halves: entries live in a young and an old generation; a hit in the old one moves the
 * entry up; when the young one is full the old one is dropped as a whole. Trimming a `Map` entry by entry from its
 * oldest end is fifty times dearer.
 */
export interface TwoGenerationCache<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  clear(): void
  /** How many entries are held; an entry that is about to move up may count twice. */
  readonly size: number
}

/** Makes a {@link TwoGenerationCache} that never holds more than `maxEntries`; with 0 it holds nothing. */
export function createTwoGenerationCache<V>(maxEntries: number): TwoGenerationCache<V> {
  const perGeneration = Math.ceil(maxEntries / 2)
  let young = new Map<string, V>()
  let old = new Map<string, V>()

  function set(key: string, value: V): void {
    if (perGeneration === 0) return
    if (young.size >= perGeneration) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }

  return {
    get(key) {
      const found = young.get(key)
      if (found !== undefined) return found
      const aged = old.get(key)
      if (aged === undefined) return undefined
      old.delete(key)
      set(key, aged)
      return aged
    },
    set,
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
    clear() {
      young.clear()
      old.clear()
    },
    get size() {
      return young.size + old.size
    },
  }
}
