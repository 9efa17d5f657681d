import type { LockStore } from 'portcullis'
import { describe, expect, it, vi } from 'vitest'
import { createExclusively } from '../../../src/exchange/exclusively.js'
import { calendar, caller, setUpGrants, tokenOf } from '../../support/grants-set-up.js'

/** A lock that says no so many times first. */
function busyLock(times: number) {
  const log: string[] = []
  const lock: LockStore = {
    async acquire(key, ttlMs) {
      log.push(`acquire ${key} ${ttlMs}`)
      if (times-- > 0) return undefined
      return async () => void log.push('release')
    },
  }
  return { lock, log }
}

const nothing = async () => undefined

describe('createExclusively', () => {
  it('works at once without a lock', async () => {
    const exclusively = createExclusively(undefined, undefined)
    expect(await exclusively('k', async () => 'done', nothing)).toBe('done')
  })

  it('[D01] works under the lock and gives it back, also after a failure', async () => {
    const { lock, log } = busyLock(0)
    const exclusively = createExclusively(lock, undefined)
    expect(await exclusively('k', async () => 'done', nothing)).toBe('done')
    await expect(exclusively('k', () => Promise.reject(new Error('no')), nothing)).rejects.toThrow('no')
    expect(log).toEqual(['acquire k 10000', 'release', 'acquire k 10000', 'release'])
  })

  it('[D01] takes the result of who had the lock before', async () => {
    const { lock } = busyLock(0)
    const failing = () => Promise.reject(new Error('must not work'))
    expect(await createExclusively(lock, undefined)('k', failing, async () => 'theirs')).toBe('theirs')
    const busy = busyLock(5)
    let looks = 0
    const look = async () => (++looks === 2 ? 'theirs' : undefined)
    expect(await createExclusively(busy.lock, undefined)('k', failing, look)).toBe('theirs')
    expect(busy.log).toHaveLength(2)
  })

  it('[D01] waits for the lock and works where nobody else did', async () => {
    const { lock, log } = busyLock(2)
    expect(await createExclusively(lock, undefined)('k', async () => 'mine', nothing)).toBe('mine')
    expect(log).toEqual(['acquire k 10000', 'acquire k 10000', 'acquire k 10000', 'release'])
  })

  it('works in the end, also where the lock is never free', async () => {
    vi.useFakeTimers()
    try {
      const done = createExclusively(busyLock(Number.POSITIVE_INFINITY).lock, undefined)(
        'k',
        async () => 'mine',
        nothing,
      )
      await vi.advanceTimersByTimeAsync(10_000)
      expect(await done).toBe('mine')
    } finally {
      vi.useRealTimers()
    }
  })

  it('goes on without a lock that fails, and tells', async () => {
    const events: unknown[] = []
    const failing = (thrown: unknown): LockStore => ({ acquire: () => Promise.reject(thrown) })
    const run = (lock: LockStore) =>
      createExclusively(lock, (event) => void events.push(event))('k', async () => 'done', nothing)
    expect(await run(failing(new RangeError('redis')))).toBe('done')
    expect(await run(failing('text'))).toBe('done')
    const about = { type: 'store.failed', store: 'grants', failedOpen: true }
    expect(events).toEqual([
      { ...about, reason: 'RangeError' },
      { ...about, reason: 'string' },
    ])
  })

  it('does not mind a lock that cannot be given back', async () => {
    const lock: LockStore = { acquire: async () => () => Promise.reject(new Error('gone')) }
    expect(await createExclusively(lock, undefined)('k', async () => 'done', nothing)).toBe('done')
  })

  it('[D06] locks one exact key, in the grant engine', async () => {
    const { lock, log } = busyLock(0)
    const setUp = setUpGrants({ lock })
    await tokenOf(setUp, caller('one'), calendar)
    await tokenOf(setUp, caller('one'), calendar)
    await tokenOf(setUp, caller('two'), calendar)
    const keys = log.filter((line) => line.startsWith('acquire'))
    expect([keys.length, new Set(keys).size, setUp.exchanges()]).toEqual([2, 2, 2])
  })
})
