import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBoundedCache, createShortMemory } from '../../../src/kit/bounded-cache.js'

describe('createBoundedCache', () => {
  it('gives back what was set, and nothing else', () => {
    const cache = createBoundedCache<number>(10)
    cache.set('a', 1)
    cache.set('a', 2)
    expect(cache.get('a')).toBe(2)
    expect(cache.get('b')).toBeUndefined()
    expect(cache.size).toBe(1)
  })

  it('forgets the oldest entry that was not used, and none before it is full', () => {
    const cache = createBoundedCache<string>(3)
    for (const key of ['a', 'b', 'c']) cache.set(key, key)
    expect(['a', 'c'].map((key) => cache.get(key))).toEqual(['a', 'c'])
    cache.set('d', 'd')
    expect([...cache.values()].sort()).toEqual(['a', 'c', 'd'])
  })

  it('forgets the oldest where all were used', () => {
    const cache = createBoundedCache<string>(3)
    for (const key of ['a', 'b', 'c']) cache.set(key, key)
    for (const key of ['c', 'b', 'a']) cache.get(key)
    cache.set('d', 'd')
    expect([...cache.values()].sort()).toEqual(['b', 'c', 'd'])
  })

  it('keeps an entry that is used again and again', () => {
    const cache = createBoundedCache<number>(4)
    cache.set('hot', 1)
    for (let index = 0; index < 100; index++) {
      cache.set(`cold-${index}`, index)
      expect(cache.get('hot')).toBe(1)
    }
  })

  it('forgets nothing because an entry was replaced', () => {
    const cache = createBoundedCache<number>(4)
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, 1)
    for (let times = 0; times < 5; times++) cache.set('d', times)
    expect([...cache.values()].sort()).toEqual([1, 1, 1, 4])
  })

  it('gives the place of a deleted entry to the next', () => {
    const cache = createBoundedCache<number>(3)
    for (const key of ['a', 'b', 'c']) cache.set(key, 1)
    cache.delete('b')
    expect(cache.get('b')).toBeUndefined()
    cache.delete('b')
    cache.set('d', 2)
    expect([...cache.values()].sort()).toEqual([1, 1, 2])
  })

  it('counts an entry that is set again as used', () => {
    const cache = createBoundedCache<string>(3)
    for (const key of ['a', 'b', 'c', 'a']) cache.set(key, key)
    cache.set('d', 'd')
    expect([...cache.values()].sort()).toEqual(['a', 'c', 'd'])
  })

  it('holds the last of all with room for one', () => {
    const cache = createBoundedCache<number>(1)
    for (const key of ['a', 'b']) cache.set(key, 1)
    expect([cache.get('a'), cache.get('b'), cache.size]).toEqual([undefined, 1, 1])
  })

  it('takes memory for a page of entries at a time, and no more than it has room for', () => {
    const takenBy = (work: () => unknown) => {
      const before = process.memoryUsage().arrayBuffers
      const kept = work()
      return [process.memoryUsage().arrayBuffers - before, kept] as const
    }
    const fill = (maxEntries: number, count: number) => {
      const cache = createBoundedCache<number>(maxEntries)
      for (let n = 0; n < count; n++) cache.set(`${n}`, n)
      return cache
    }
    expect(takenBy(() => fill(8192, 2000))[0]).toBeLessThan(1_000_000)
    expect(takenBy(() => Array.from({ length: 500 }, () => fill(10, 1)))[0]).toBeLessThan(1_000_000)
  })

  it('holds nothing with room for none', () => {
    const cache = createBoundedCache<number>(0)
    cache.set('a', 1)
    expect(cache.get('a')).toBeUndefined()
  })

  it('holds as many as it may, and forgets the oldest, also where they fill many pages and maps', () => {
    const maxEntries = 40_000
    const cache = createBoundedCache<number>(maxEntries)
    const keyOf = (n: number) => createHash('sha256').update(String(n)).digest('base64url')
    for (let n = 0; n < maxEntries; n++) cache.set(keyOf(n), n)
    expect(cache.size).toBe(maxEntries)
    expect([0, 8191, 8192, 39_999].map((n) => cache.get(keyOf(n)))).toEqual([0, 8191, 8192, 39_999])
    for (let n = 0; n < 9000; n++) cache.set(keyOf(maxEntries + n), n)
    expect(cache.size).toBe(maxEntries)
    expect([0, 1, 8191, 8192, 8999, 9002, 9003].map((n) => cache.get(keyOf(n)))).toEqual([
      0,
      undefined,
      8191,
      8192,
      undefined,
      undefined,
      9003,
    ])
    expect([...cache.values()]).toHaveLength(maxEntries)
    cache.delete(keyOf(9003))
    expect([cache.get(keyOf(9003)), cache.size]).toEqual([undefined, maxEntries - 1])
  })

  it('[ADP-08] treats __proto__ and constructor as keys like any other', () => {
    const cache = createBoundedCache<number>(4)
    expect(cache.get('__proto__')).toBeUndefined()
    expect(cache.get('constructor')).toBeUndefined()
    cache.set('__proto__', 1)
    expect(cache.get('__proto__')).toBe(1)
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  it('never holds more than it may, and never answers with a stale or foreign value', () => {
    const step = fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.integer({ min: 0, max: 12 }))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.array(step, { maxLength: 80 }), (maxEntries, steps) => {
        const cache = createBoundedCache<number>(maxEntries)
        const model = new Map<string, number>()
        for (const [index, [action, number]] of steps.entries()) {
          const key = String(number)
          if (action === 'set') {
            cache.set(key, index)
            model.set(key, index)
          } else if (action === 'delete') {
            cache.delete(key)
            model.delete(key)
          } else {
            expect([undefined, model.get(key)]).toContain(cache.get(key))
          }
          expect(cache.size).toBeLessThanOrEqual(maxEntries)
          expect([...cache.values()]).toHaveLength(cache.size)
        }
      }),
    )
  })
})

describe('createShortMemory', () => {
  it('[E3] remembers a bounded number of values', () => {
    const memory = createShortMemory<number>(1000, 5000, () => 0)
    for (let index = 0; index <= 1000; index += 1) memory.set(`caller-${index}`, index)
    expect(memory.get('caller-1000')).toBe(1000)
    expect(memory.get('caller-0')).toBeUndefined()
  })

  it('[E3] forgets a value when its time is over', () => {
    let nowMs = 0
    const memory = createShortMemory<number>(10, 5000, () => nowMs)
    memory.set('a', 1)
    nowMs = 4999
    expect(memory.get('a')).toBe(1)
    nowMs = 5000
    expect(memory.get('a')).toBeUndefined()
  })

  it('forgets a value at once when told', () => {
    const memory = createShortMemory<number>(10, 5000, () => 0)
    memory.set('a', 1)
    memory.delete('a')
    expect(memory.get('a')).toBeUndefined()
  })
})
