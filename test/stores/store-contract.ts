import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ReplayStore, RevocationStore } from '../../src/stores/contract.js'

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
  })
}
