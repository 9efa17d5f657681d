import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type {
  GrantStore,
  LockStore,
  ReplayStore,
  RevocationStore,
  SessionStore,
  StoredGrant,
} from '../../src/stores/contract.js'

/** A store under test, with a way to let time pass for it. */
export interface StoreUnderTest<Store> {
  readonly store: Store
  /** Makes the store believe that `ms` milliseconds passed. */
  pass(ms: number): void | Promise<void>
}

/** What every replay store has to do. */
export function describeReplayStore(name: string, create: () => StoreUnderTest<ReplayStore>): void {
  describe(`${name} as a replay store`, () => {
    it('[DPOP-15] reserves a key once', async () => {
      const { store } = create()
      const key = randomUUID()
      expect(await store.reserve(key, 60_000)).toBe(true)
      expect(await store.reserve(key, 60_000)).toBe(false)
      expect(await store.reserve(randomUUID(), 60_000)).toBe(true)
    })

    it('[DPOP-15] [C-10] gives 1,000 concurrent reservations of one key exactly one winner', async () => {
      const { store } = create()
      const key = randomUUID()
      const answers = await Promise.all(Array.from({ length: 1000 }, () => store.reserve(key, 60_000)))
      expect(answers.filter((answer) => answer)).toHaveLength(1)
      expect(answers.filter((answer) => !answer)).toHaveLength(999)
    })

    it('[C-10] holds a key for its whole time and frees it afterwards', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      expect(await store.reserve(key, 60_000)).toBe(true)
      await pass(30_000)
      expect(await store.reserve(key, 60_000)).toBe(false)
      await pass(30_000)
      expect(await store.reserve(key, 60_000)).toBe(true)
      expect(await store.reserve(key, 60_000)).toBe(false)
    })

    it('[C-10] keeps lifetimes of different keys apart', async () => {
      const { store, pass } = create()
      const [long, short] = [randomUUID(), randomUUID()]
      await store.reserve(long, 120_000)
      await store.reserve(short, 60_000)
      await pass(60_000)
      expect(await store.reserve(long, 60_000)).toBe(false)
      expect(await store.reserve(short, 60_000)).toBe(true)
    })

    it('[C-10] takes a lifetime that is no whole number', async () => {
      const { store } = create()
      const key = randomUUID()
      expect(await store.reserve(key, 60_000.5)).toBe(true)
      expect(await store.reserve(key, 60_000.5)).toBe(false)
    })
  })
}

/** What every revocation store has to do. */
export function describeRevocationStore(name: string, create: () => StoreUnderTest<RevocationStore>): void {
  describe(`${name} as a revocation store`, () => {
    it('tells the times of revocation in the order asked for', async () => {
      const { store } = create()
      const [first, second, unknown] = [randomUUID(), randomUUID(), randomUUID()]
      await store.revoke(first, 1_800_000_000_123, 60_000)
      await store.revoke(second, 1_800_000_000_456, 60_000)
      expect(await store.revokedAt([second, unknown, first])).toEqual([1_800_000_000_456, undefined, 1_800_000_000_123])
      expect(await store.revokedAt([])).toEqual([])
    })

    it('forgets a revocation once its time is over', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      await store.revoke(key, 7, 60_000)
      await pass(30_000)
      expect(await store.revokedAt([key])).toEqual([7])
      await pass(30_000)
      expect(await store.revokedAt([key])).toEqual([undefined])
    })

    it('lets a later revocation of the same key replace time and lifetime', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      await store.revoke(key, 7, 60_000)
      await store.revoke(key, 8, 120_000)
      await pass(60_000)
      expect(await store.revokedAt([key])).toEqual([8])
    })

    it('takes no revocation back for one that reaches less far', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      await store.revoke(key, 1_800_000_000_456.5, 120_000)
      await store.revoke(key, 1_800_000_000_123, 60_000)
      expect(await store.revokedAt([key])).toEqual([1_800_000_000_456.5])
      await pass(90_000)
      expect(await store.revokedAt([key])).toEqual([1_800_000_000_456.5])
    })

    it('remembers nothing of a revocation whose time is over', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      await store.revoke(key, 9, 60_000)
      await pass(60_001)
      await store.revoke(key, 8, 60_000)
      expect(await store.revokedAt([key])).toEqual([8])
    })

    it('keeps the latest of 200 concurrent revocations of one key', async () => {
      const { store } = create()
      const key = randomUUID()
      const times = Array.from({ length: 200 }, (_, index) => 1_800_000_000_000 + ((index * 73) % 200))
      await Promise.all(times.map((atMs) => store.revoke(key, atMs, 60_000)))
      expect(await store.revokedAt([key])).toEqual([1_800_000_000_199])
    })
  })
}

const grant: StoredGrant = {
  accessToken: 'downstream-token',
  tokenType: 'DPoP',
  expiresAt: 1_800_003_600,
  scope: ['read', 'ümläut'],
  issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
}

/** What every store of exchanged tokens has to do. */
export function describeGrantStore(name: string, create: () => StoreUnderTest<GrantStore>): void {
  describe(`${name} as a grant store`, () => {
    it('[TX-12] gives back what was put under exactly that key', async () => {
      const { store } = create()
      const [key, other] = [randomUUID(), randomUUID()]
      await store.set(key, grant, 60_000)
      await store.set(other, { ...grant, accessToken: 'another-token', scope: [] }, 60_000)
      expect(await store.get(key)).toEqual(grant)
      expect(await store.get(other)).toEqual({ ...grant, accessToken: 'another-token', scope: [] })
      expect(await store.get(randomUUID())).toBeUndefined()
    })

    it('[D08] forgets a token once its time is over', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      await store.set(key, grant, 60_000.5)
      await pass(30_000)
      expect(await store.get(key)).toEqual(grant)
      await pass(30_001)
      expect(await store.get(key)).toBeUndefined()
    })

    it('[D19] replaces a token and its time, and deletes it', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      await store.set(key, grant, 60_000)
      await store.set(key, { ...grant, accessToken: 'newer-token' }, 120_000)
      await pass(60_001)
      expect(await store.get(key)).toMatchObject({ accessToken: 'newer-token' })
      await store.delete(key)
      await store.delete(key)
      expect(await store.get(key)).toBeUndefined()
    })

    it('[TX-12] takes a lifetime of less than a millisecond', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      await store.set(key, grant, 0.4)
      await pass(2)
      expect(await store.get(key)).toBeUndefined()
    })
  })
}

/** What every lock has to do. */
export function describeLockStore(name: string, create: () => StoreUnderTest<LockStore>): void {
  describe(`${name} as a lock`, () => {
    it('[D01] lets one in at a time, for each key', async () => {
      const { store } = create()
      const [key, other] = [randomUUID(), randomUUID()]
      const attempts = await Promise.all(Array.from({ length: 100 }, () => store.acquire(key, 60_000)))
      const [lease, ...further] = attempts.filter((attempt) => attempt !== undefined)
      expect(further).toEqual([])
      expect(await store.acquire(other, 60_000)).toBeDefined()
      await lease?.release()
      expect(await store.acquire(key, 60_000)).toBeDefined()
    })

    it('[D01] frees itself when its time is over, and lets no former holder free or extend it for the next', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      const late = await store.acquire(key, 60_000.5)
      await pass(60_001)
      const next = await store.acquire(key, 60_000)
      expect(next).toBeDefined()
      await late?.release()
      expect(await late?.extend(60_000)).toBe(false)
      expect(await store.acquire(key, 60_000)).toBeUndefined()
      await next?.release()
      await next?.release()
      expect(await store.acquire(key, 60_000)).toBeDefined()
    })

    it('[D01] lasts as long as it is extended, from each time on, and no longer', async () => {
      const { store, pass } = create()
      const key = randomUUID()
      const lease = await store.acquire(key, 60_000)
      for (let round = 0; round < 3; round++) {
        await pass(50_000)
        expect(await lease?.extend(60_000.5)).toBe(true)
      }
      await pass(50_000)
      expect(await store.acquire(key, 60_000)).toBeUndefined()
      await pass(10_001)
      expect(await lease?.extend(60_000)).toBe(false)
      expect(await store.acquire(key, 60_000)).toBeDefined()
    })

    it('[D01] cannot be extended once it was given back', async () => {
      const { store } = create()
      const key = randomUUID()
      const lease = await store.acquire(key, 60_000)
      await lease?.release()
      expect(await lease?.extend(60_000)).toBe(false)
      expect(await store.acquire(key, 60_000)).toBeDefined()
    })
  })
}

/** What every store of sessions has to do. */
export function describeSessionStore(name: string, create: () => StoreUnderTest<SessionStore>): void {
  describe(`${name} as a session store`, () => {
    it('[S2-34] keeps what is set, each under its own key, and the last of it', async () => {
      const { store } = create()
      const [a, b] = [randomUUID(), randomUUID()]
      expect(await store.get(a)).toBeUndefined()
      await store.set(a, 'one', 60_000)
      await store.set(b, 'two', 60_000)
      await store.set(a, 'three', 60_000)
      expect([await store.get(a), await store.get(b)]).toEqual(['three', 'two'])
    })

    it('[S2-34] forgets when the time is over, and not before; a touch makes it longer', async () => {
      const { store, pass } = create()
      const [a, b] = [randomUUID(), randomUUID()]
      await store.set(a, 'one', 60_000.5)
      await store.set(b, 'one', 60_000)
      await pass(50_000)
      expect(await store.touch(a, 'two', 60_000)).toBe(true)
      await pass(20_000)
      expect([await store.get(a), await store.get(b)]).toEqual(['two', undefined])
    })

    it('[S2-34] does not bring back what was deleted, and lets one of several delete it', async () => {
      const { store } = create()
      const key = randomUUID()
      await store.set(key, 'one', 60_000)
      const deleted = await Promise.all([store.delete(key), store.delete(key), store.delete(key)])
      expect(deleted.filter(Boolean)).toHaveLength(1)
      expect(await store.touch(key, 'two', 60_000)).toBe(false)
      expect(await store.get(key)).toBeUndefined()
    })
  })
}
