import { describe, expect, it, vi } from 'vitest'
import { createPinnedCache } from '../../../src/kit/pinned-cache.js'

/** A cache of as many values, each of them a new object, and work that ends when it is told to. */
function setUp(maxEntries: number) {
  const make = vi.fn(() => ({}))
  const cache = createPinnedCache(maxEntries, make)
  const work = (key: string) => {
    let resolve: (result: string) => void = () => undefined
    let reject: (error: Error) => void = () => undefined
    const ended = new Promise<string>((...functions) => {
      ;[resolve, reject] = functions
    })
    return { done: cache.during(key, () => ended), resolve, reject }
  }
  return { make, cache, work }
}

describe('a cache whose values can be pinned', () => {
  it('makes a value once, and forgets one where there are too many', () => {
    const { make, cache } = setUp(1)
    const first = cache.get('a')
    expect([cache.get('a') === first, make.mock.calls.length]).toEqual([true, 1])
    cache.get('b')
    expect([cache.get('a') === first, make.mock.calls.length]).toEqual([false, 3])
  })

  it('forgets none that work needs, until the last of it has settled', async () => {
    const { cache, work } = setUp(1)
    const first = cache.get('a')
    const [one, two] = [work('a'), work('a')]
    cache.get('b')
    cache.get('c')
    expect(cache.get('a')).toBe(first)
    one.resolve('done')
    expect(await one.done).toBe('done')
    cache.get('b')
    cache.get('c')
    expect(cache.get('a')).toBe(first)
    two.reject(new Error('failed'))
    await expect(two.done).rejects.toThrow('failed')
    expect(cache.get('a')).toBe(first)
    cache.get('b')
    expect(cache.get('a')).not.toBe(first)
  })

  it('makes the value that work needs where there is none', async () => {
    const { make, cache, work } = setUp(1)
    const { done, resolve } = work('a')
    const made = cache.get('a')
    cache.get('b')
    expect([cache.get('a') === made, make.mock.calls.length]).toEqual([true, 2])
    resolve('done')
    await done
  })
})
