import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ConfigurationError } from '../../../../src/errors/index.js'
import { createMemoryGrantStore } from '../../../../src/stores/memory/memory-grant-store.js'
import { createMemoryLockStore } from '../../../../src/stores/memory/memory-lock-store.js'
import { createMemoryReplayStore } from '../../../../src/stores/memory/memory-replay-store.js'
import { createMemoryRevocationStore } from '../../../../src/stores/memory/memory-revocation-store.js'
import { createMemorySessionStore } from '../../../../src/stores/memory/memory-session-store.js'
import { createMemoryTokenStore } from '../../../../src/stores/memory/memory-token-store.js'
import { createShares, type Share } from '../../../../src/stores/memory/shares.js'

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

  it('[REAL-12] gives one owner half of the room at most, and forgets that it was there', () => {
    const { time, clock } = fakeTime()
    const store = createMemoryReplayStore({ clock, maxEntries: 100 })
    const flood = (owner: string) => {
      let held = 0
      try {
        for (; held < 200; held++) void store.reserve(`${owner} ${held}`, 60_000, owner)
      } catch (error) {
        expect(error).toMatchObject({ code: 'STORE_FULL' })
      }
      return held
    }
    expect(flood('greedy')).toBe(50)
    expect(flood('greedy too')).toBe(25)
    for (let index = 0; index < 10; index++) expect(store.reserve(`b ${index}`, 60_000, 'b')).toBe(true)
    expect(store.reserve('greedy 7', 60_000, 'greedy')).toBe(false)
    time.ms += 61_000
    for (let index = 0; index < 20; index++) void store.reserve('drain', 60_000)
    expect(flood('greedy')).toBe(50)
  })

  it('[REAL-12] refuses the excess for that owner alone, whatever others do afterwards', () => {
    const { clock } = fakeTime()
    const store = createMemoryReplayStore({ clock, maxEntries: 10 })
    for (let index = 0; index < 5; index++) void store.reserve(`a ${index}`, 60_000, 'a')
    expect(() => store.reserve('a 5', 60_000, 'a')).toThrow('the replay store is full')
    expect(store.reserve('of nobody', 60_000)).toBe(true)
    expect(store.reserve('b', 60_000, 'b')).toBe(true)
    expect(() => store.reserve('a 5', 60_000, 'a')).toThrow('the replay store is full')
  })
})

describe('the options of memory stores', () => {
  const factories = [
    createMemoryReplayStore,
    createMemoryRevocationStore,
    createMemoryGrantStore,
    createMemoryLockStore,
    createMemorySessionStore,
    createMemoryTokenStore,
  ]

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10', null])(
    '[REAL-19] refuse maxEntries = %j',
    (given) => {
      for (const create of factories) expect(() => create({ maxEntries: given as number })).toThrow(ConfigurationError)
    },
  )

  it('[REAL-19] refuse what they do not know, and a clock that is none', () => {
    for (const create of factories) {
      expect(() => create({ maxEntrys: 7 } as never)).toThrow(/Did you mean `maxEntries`/)
      expect(() => create({ clock: 7 } as never)).toThrow(ConfigurationError)
      expect(() => create(7 as never)).toThrow(`${create.name} must be an object.`)
      expect(() => create({ maxEntries: undefined, clock: undefined })).not.toThrow()
    }
  })
})

describe('createMemoryLockStore', () => {
  it('rejects when full of leases that run, and makes room of those that ran out', async () => {
    const { time, clock } = fakeTime()
    const store = createMemoryLockStore({ clock, maxEntries: 2 })
    await store.acquire('a', 1000)
    await store.acquire('b', 60_000)
    await expect(store.acquire('c', 1000)).rejects.toMatchObject({
      code: 'STORE_FULL',
      message: 'the lock store is full',
    })
    expect(await store.acquire('a', 1000)).toBeUndefined()
    time.ms += 1000
    expect(await store.acquire('c', 1000)).toBeDefined()
    expect(await store.acquire('b', 1000)).toBeUndefined()
  })
})

describe('the last millisecond', () => {
  it('[D01] of a lease is not its own any more', async () => {
    const { time, clock } = fakeTime()
    const store = createMemoryLockStore({ clock })
    const lease = await store.acquire('a', 1000)
    time.ms += 999
    expect(await store.acquire('a', 1000)).toBeUndefined()
    expect(await lease?.extend(1000)).toBe(true)
    time.ms += 1000
    expect(await lease?.extend(1000)).toBe(false)
    expect(await store.acquire('a', 1000)).toBeDefined()
  })

  it('[D08] [S2-34] of a token or a session is none either', () => {
    const { time, clock } = fakeTime()
    const grants = createMemoryGrantStore({ clock })
    const sessions = createMemorySessionStore({ clock })
    const grant = { accessToken: 'a', tokenType: 'Bearer', expiresAt: 1, scope: [], issuedTokenType: 'x' } as const
    for (const key of ['a', 'b']) {
      void grants.set(key, grant, 1000)
      void sessions.set(key, 'session', 1000)
    }
    time.ms += 999
    expect([grants.get('a'), sessions.get('a')]).toEqual([grant, 'session'])
    time.ms += 1
    expect([grants.get('a'), sessions.get('a'), sessions.delete('b')]).toEqual([undefined, undefined, false])
  })

  it('[C-10] of a reservation makes room', () => {
    const { time, clock } = fakeTime()
    const store = createMemoryReplayStore({ clock, maxEntries: 1 })
    expect(store.reserve('a', 60_000)).toBe(true)
    time.ms += 60_000
    expect(store.reserve('b', 60_000)).toBe(true)
  })

  it.each([500, 600])('of a revocation counts no more: a new one after %s ms begins anew', async (ms) => {
    const { time, clock } = fakeTime()
    const store = createMemoryRevocationStore({ clock })
    await store.revoke('a', 9, 500)
    time.ms += ms
    expect(store.revokedAt(['a'])).toEqual([undefined])
    await store.revoke('a', 8, 60_000)
    expect(store.revokedAt(['a'])).toEqual([8])
  })
})

describe('a lock that is not full', () => {
  it('never looks through its leases', async () => {
    const store = createMemoryLockStore({ maxEntries: 3 })
    const looked = vi.spyOn(Map.prototype, Symbol.iterator)
    onTestFinished(() => looked.mockRestore())
    const leases = ['a', 'b', 'c'].map((key) => store.acquire(key, 60_000))
    expect(looked).not.toHaveBeenCalled()
    const full = store.acquire('d', 60_000)
    expect(looked).toHaveBeenCalledOnce()
    looked.mockRestore()
    await expect(full).rejects.toThrow('the lock store is full')
    expect(await Promise.all(leases)).toHaveLength(3)
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

  it('[REAL-17] marks the wider key once the sessions of one user hold half of the room', async () => {
    const { time, clock } = fakeTime()
    const store = createMemoryRevocationStore({ clock, maxEntries: 10 })
    for (let index = 1; index <= 20; index++) await store.revoke(`a's session ${index}`, index, 60_000, 'a')
    const sessions = Array.from({ length: 20 }, (_, index) => `a's session ${index + 1}`)
    expect(store.revokedAt(sessions)).toEqual([1, 2, 3, 4, 5, ...Array.from({ length: 15 }, () => undefined)])
    expect(store.revokedAt(['a'])).toEqual([20])
    for (const user of ['b', 'c', 'd']) await store.revoke(`${user}'s session`, 7, 60_000, user)
    expect(store.revokedAt(["b's session", "c's session", "d's session", 'b'])).toEqual([7, 7, 7, undefined])
    time.ms += 61_000
    await store.revoke('x', 1, 60_000)
    await store.revoke('y', 1, 60_000)
    await store.revoke("a's session 21", 21, 60_000, 'a')
    expect(store.revokedAt(["a's session 21", 'a'])).toEqual([21, undefined])
  })

  it('[REAL-17] takes no further room for a newer mark of the same key, and marks a wider one that is there when full', async () => {
    const { clock } = fakeTime()
    const store = createMemoryRevocationStore({ clock, maxEntries: 3 })
    for (let index = 0; index < 50; index++) await store.revoke('subject', index, 60_000)
    await store.revoke('x', 1, 60_000)
    await store.revoke('y', 1, 60_000)
    await store.revoke('session', 99, 60_000, 'subject')
    expect(store.revokedAt(['subject', 'session'])).toEqual([99, undefined])
    expect(() => store.revoke('session', 99, 60_000, 'unknown')).toThrow('the revocation store is full')
  })

  it('uses the system clock by default', async () => {
    const store = createMemoryRevocationStore()
    await store.revoke('key', 7, 60_000)
    expect(store.revokedAt(['key'])).toEqual([7])
  })
})

describe('createShares', () => {
  it('[REAL-12] knows what an owner holds after a part was given back, and nothing of who holds nothing', () => {
    const shares = createShares(4)
    const own = [shares.take('a', 0), shares.take('a', 1)] as Share[]
    expect(shares.take('a', 2)).toBeUndefined()
    const forgotten = vi.spyOn(Map.prototype, 'delete')
    onTestFinished(() => forgotten.mockRestore())
    shares.giveBack(own[0] as Share)
    expect(forgotten).not.toHaveBeenCalled()
    expect(shares.take('a', 1)).toBe(own[1])
    expect(shares.take('a', 2)).toBeUndefined()
    shares.giveBack(shares.take(undefined, 2) as Share)
    expect(forgotten).not.toHaveBeenCalled()
    for (const share of [own[1], own[1]]) shares.giveBack(share as Share)
    expect(forgotten.mock.calls).toEqual([['a']])
    expect(shares.take('a', 0)).not.toBe(own[1])
  })
})
