import { createBoundedCache } from './bounded-cache.js'

/** A bounded cache that forgets no value while work needs it. */
export interface PinnedCache<V> {
  /** The value of a key, made where none is known. The next call may make another one, unless work pins it. */
  get(key: string): V
  /** Runs work, and keeps the value of the key until it has settled. */
  during<T>(key: string, work: () => Promise<T>): Promise<T>
}

interface Pin<V> {
  readonly value: V
  works: number
}

/** Makes a {@link PinnedCache}: `maxEntries` values, and beside them those that work under way needs. */
export function createPinnedCache<V>(maxEntries: number, make: () => V): PinnedCache<V> {
  const cache = createBoundedCache<V>(maxEntries)
  const pins = new Map<string, Pin<V>>()

  function get(key: string): V {
    const known = pins.get(key)?.value ?? cache.get(key)
    if (known !== undefined) return known
    const made = make()
    cache.set(key, made)
    return made
  }

  async function during<T>(key: string, work: () => Promise<T>): Promise<T> {
    const pin = pins.get(key) ?? { value: get(key), works: 0 }
    pin.works += 1
    pins.set(key, pin)
    try {
      return await work()
    } finally {
      pin.works -= 1
      if (pin.works === 0) {
        pins.delete(key)
        cache.set(key, pin.value)
      }
    }
  }

  return { get, during }
}
