import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { createMemoryReplayStore } from '../../../src/stores/memory-replay-store.js'
import { createMemoryRevocationStore } from '../../../src/stores/memory-revocation-store.js'

function fakeTime() {
  const time = { ms: 1_800_000_000_000 }
  return { time, clock: () => time.ms }
}

describe('createMemoryReplayStore', () => {
  it('[C-10] [DPOP-15] throws when full rather than forget a key that could be replayed', async () => {
    const { time, clock } = fakeTime()
    const store = createMemoryReplayStore({ clock, maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) expect(store.reserve(key, 60_000)).toBe(true)
    expect(() => store.reserve('d', 60_000)).toThrow('the replay store is full')
    for (const key of ['a', 'b', 'c']) expect(store.reserve(key, 60_000)).toBe(false)
    time.ms += 60_999
    expect(store.reserve('d', 60_000)).toBe(true)
  })

  it('[C-10] is good for any number of keys over time when few are live at once', async () => {
    const { time, clock } = fakeTime()
    const store = createMemoryReplayStore({ clock, maxEntries: 200 })
    for (let index = 0; index < 5000; index++) {
      time.ms += 1000
      expect(store.reserve(`key ${index}`, 60_000)).toBe(true)
      expect(store.reserve(`key ${Math.max(0, index - 59)}`, 60_000)).toBe(false)
    }
  })

  it('[C-10] holds a key that was reserved again after its time', async () => {
    const { time, clock } = fakeTime()
    const store = createMemoryReplayStore({ clock })
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'again']) await store.reserve(key, 500)
    time.ms += 600
    expect(store.reserve('again', 60_000)).toBe(true)
    for (let index = 0; index < 20; index++) {
      time.ms += 1000
      expect(store.reserve('again', 60_000)).toBe(false)
    }
    time.ms += 40_000
    expect(store.reserve('again', 60_000)).toBe(true)
  })

  it('uses the system clock by default', () => {
    const store = createMemoryReplayStore()
    expect(store.reserve('key', 60_000)).toBe(true)
    expect(store.reserve('key', 60_000)).toBe(false)
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses maxEntries = %d', (maxEntries) => {
    expect(() => createMemoryReplayStore({ maxEntries })).toThrow(ConfigurationError)
    expect(() => createMemoryRevocationStore({ maxEntries })).toThrow(ConfigurationError)
  })
})

describe('createMemoryRevocationStore', () => {
  it('throws when full rather than forget a revocation that counts, and takes renewals all the same', async () => {
    const { time, clock } = fakeTime()
    const store = createMemoryRevocationStore({ clock, maxEntries: 2 })
    await store.revoke('a', 1, 60_000)
    await store.revoke('b', 2, 60_000)
    expect(() => store.revoke('c', 3, 60_000)).toThrow('the revocation store is full')
    for (let index = 0; index < 10; index++) await store.revoke('a', index, 120_000)
    expect(store.revokedAt(['a', 'b', 'c'])).toEqual([9, 2, undefined])
    time.ms += 60_999
    await store.revoke('c', 3, 60_000)
    expect(store.revokedAt(['a', 'b', 'c'])).toEqual([9, undefined, 3])
    time.ms += 60_000
    expect(store.revokedAt(['a', 'b', 'c'])).toEqual([undefined, undefined, undefined])
  })

  it('uses the system clock by default', async () => {
    const store = createMemoryRevocationStore()
    await store.revoke('key', 7, 60_000)
    expect(store.revokedAt(['key'])).toEqual([7])
  })
})
