import { createMemoryLockStore, type LockStore, type PortcullisEvent } from 'portcullis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EventListener } from '../../../src/kit/events.js'
import { createExclusively, type Holding } from '../../../src/stores/exclusively.js'
import { scriptedLock } from '../../support/scripted-lock.js'

/** Work that lasts until it is told to end. */
function longWork() {
  let end: (value: string) => void = () => undefined
  const result = new Promise<string>((resolve) => {
    end = resolve
  })
  const seen: { signal: AbortSignal | undefined; confirm: (() => Promise<boolean>) | undefined } = {
    signal: undefined,
    confirm: undefined,
  }
  return {
    seen,
    end: () => end('mine'),
    work({ alone, confirm }: Holding) {
      seen.signal = alone
      seen.confirm = confirm
      return result
    },
  }
}

function listening() {
  const events: PortcullisEvent[] = []
  return { events, onEvent: (event: PortcullisEvent) => void events.push(event) }
}

function exclusivelyWith(lock: LockStore | undefined, onEvent?: EventListener) {
  return createExclusively({ lock, store: 'grants', worksUnlocked: true, onEvent })
}

const nothing = async () => undefined
const never = (): Promise<string> => Promise.reject(new Error('must not work'))

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('createExclusively', () => {
  it('works at once without a lock, and is never told that it is not alone', async () => {
    const work = async ({ alone, confirm }: Holding) => `${alone.aborted} ${await confirm()}`
    expect(await exclusivelyWith(undefined)('k', work, nothing)).toBe('false true')
  })

  it('works at once without a lock also where it must not work unlocked, part by part, and tells nothing', async () => {
    const { events, onEvent } = listening()
    const exclusively = createExclusively({ lock: undefined, store: 'tokens', worksUnlocked: false, onEvent })
    expect(await exclusively('k', ({ during }) => during(async () => 'part'), nothing)).toBe('part')
    expect(events).toEqual([])
  })

  it('[D01] keeps its lease until the last part of the work has settled', async () => {
    const { lock, log } = scriptedLock()
    const { work, end, seen } = longWork()
    const early = vi.fn()
    const done = exclusivelyWith(lock)(
      'k',
      async (holding) => {
        void holding.during(async () => 'early').then(early)
        void holding.during(() => work(holding))
        return 'answer'
      },
      nothing,
    )
    expect(await done).toBe('answer')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(early).toHaveBeenCalledExactlyOnceWith('early')
    expect(log).toEqual(['acquire k 30000', 'extend 30000'])
    expect(seen.signal?.aborted).toBe(false)
    end()
    await vi.advanceTimersByTimeAsync(0)
    expect(log.slice(2)).toEqual(['release'])
  })

  it('[D01] counts the time it waits from when it began, to the millisecond', async () => {
    await vi.advanceTimersByTimeAsync(100_000)
    const random = vi.spyOn(Math, 'random').mockReturnValue(1)
    const { lock, log } = scriptedLock({ busy: Number.POSITIVE_INFINITY })
    const { events, onEvent } = listening()
    const slowLook = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 14_950))
    const outcome = exclusivelyWith(lock, onEvent)('k', never, slowLook).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await outcome).toMatchObject({ reason: 'timeout' })
    expect(log).toHaveLength(2)
    expect(events).toEqual([{ type: 'lock.waited', store: 'grants', outcome: 'timeout', durationMs: 15_000 }])
    random.mockRestore()
  })

  it('[D01] spreads its pauses over the second half of their length', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    const { lock, log } = scriptedLock({ busy: 3 })
    const done = exclusivelyWith(lock)('k', async () => 'mine', nothing)
    for (const [ms, attempts] of [
      [24, 1],
      [1, 2],
      [49, 2],
      [1, 3],
      [100, 5],
    ] as const) {
      await vi.advanceTimersByTimeAsync(ms)
      expect(log).toHaveLength(attempts)
    }
    expect(await done).toBe('mine')
    random.mockRestore()
  })

  it.each([
    [29_999, true],
    [30_000, false],
  ])(
    '[D01] counts a lease as lost where the machine slept %s ms before it read the answer: held %s',
    async (ms, isHeld) => {
      const extend = async () => {
        vi.setSystemTime(Date.now() + ms)
        return true
      }
      const { work, end, seen } = longWork()
      const done = exclusivelyWith(scriptedLock({ extend }).lock)('k', work, nothing)
      await vi.advanceTimersByTimeAsync(0)
      expect(await seen.confirm?.()).toBe(isHeld)
      expect(seen.signal?.aborted).toBe(!isHeld)
      end()
      await done
    },
  )

  it('[D01] works under a lease and gives it back, also after a failure', async () => {
    const { lock, log } = scriptedLock()
    const exclusively = exclusivelyWith(lock)
    expect(await exclusively('k', async () => 'done', nothing)).toBe('done')
    await expect(exclusively('k', () => Promise.reject(new Error('no')), nothing)).rejects.toThrow('no')
    expect(log).toEqual(['acquire k 30000', 'release', 'acquire k 30000', 'release'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[D01] takes the result of who had the lock before', async () => {
    expect(await exclusivelyWith(scriptedLock().lock)('k', never, async () => 'theirs')).toBe('theirs')
    const busy = scriptedLock({ busy: 5 })
    let looks = 0
    const look = async () => (++looks === 2 ? 'theirs' : undefined)
    const waiting = exclusivelyWith(busy.lock)('k', never, look)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await waiting).toBe('theirs')
    expect(busy.log).toHaveLength(2)
  })

  it('[D01] waits for the lock with growing pauses, and works where nobody else did', async () => {
    const { lock, log } = scriptedLock({ busy: 10 })
    const random = vi.spyOn(Math, 'random').mockReturnValue(1)
    const done = exclusivelyWith(lock)('k', async () => 'mine', nothing)
    for (const [ms, attempts] of [
      [49, 1],
      [1, 2],
      [100, 3],
      [200, 4],
      [250, 5],
      [250, 6],
      [249, 6],
    ] as const) {
      await vi.advanceTimersByTimeAsync(ms)
      expect(log).toHaveLength(attempts)
    }
    await vi.advanceTimersByTimeAsync(2000)
    expect(await done).toBe('mine')
    expect(log.at(-1)).toBe('release')
    random.mockRestore()
  })

  it('[D01] never works unlocked beside a holder that goes on: after 15 s it gives up', async () => {
    const { lock } = scriptedLock({ busy: Number.POSITIVE_INFINITY })
    const settled = vi.fn()
    const answer = exclusivelyWith(lock)('k', never, nothing)
      .catch((error: unknown) => error)
      .finally(settled)
    await vi.advanceTimersByTimeAsync(14_900)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(400)
    expect(await answer).toMatchObject({ reason: 'timeout' })
  })

  it('[REAL-44] tells how long it waited for a lease, and what came of it; and nothing where it did not wait', async () => {
    const { events, onEvent } = listening()
    const run = (busy: number, look: () => Promise<string | undefined>) =>
      exclusivelyWith(scriptedLock({ busy }).lock, onEvent)('k', async () => 'done', look)
    await run(0, nothing)
    const waits = [run(1, nothing), run(1, async () => 'found'), run(1000, nothing).catch(() => 'late')]
    await vi.advanceTimersByTimeAsync(16_000)
    expect(await Promise.all(waits)).toEqual(['done', 'found', 'late'])
    const about = { type: 'lock.waited', store: 'grants' }
    for (const outcome of ['lease', 'result', 'timeout']) {
      expect(events).toContainEqual({ ...about, outcome, durationMs: expect.any(Number) })
    }
    expect(events).toHaveLength(3)
  })

  it('[D01] renews its lease for as long as it works, so that nobody else starts meanwhile', async () => {
    const store = createMemoryLockStore({ clock: () => performance.now() })
    const { events, onEvent } = listening()
    const { work, end, seen } = longWork()
    const done = exclusivelyWith(store, onEvent)('k', work, nothing)
    await vi.advanceTimersByTimeAsync(95_000)
    expect(await store.acquire('k', 1)).toBeUndefined()
    expect(seen.signal?.aborted).toBe(false)
    end()
    expect(await done).toBe('mine')
    expect(await store.acquire('k', 1)).toBeDefined()
    expect(events).toEqual([])
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[D01] asks for the whole time every 10 s', async () => {
    const { lock, log } = scriptedLock()
    const { work, end } = longWork()
    const done = exclusivelyWith(lock)('k', work, nothing)
    await vi.advanceTimersByTimeAsync(9999)
    expect(log).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(10_001)
    expect(log).toEqual(['acquire k 30000', 'extend 30000', 'extend 30000'])
    end()
    await done
    await vi.advanceTimersByTimeAsync(60_000)
    expect(log.slice(3)).toEqual(['release'])
  })

  it('[D01] learns at once that somebody else has the lease', async () => {
    const { lock, log } = scriptedLock({ extend: async () => false })
    const { events, onEvent } = listening()
    const { work, end, seen } = longWork()
    const done = exclusivelyWith(lock, onEvent)('k', work, nothing)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(seen.signal?.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    end()
    await done
    expect(events).toEqual([{ type: 'lock.lost', store: 'grants' }])
    expect(log.filter((line) => line.startsWith('extend'))).toHaveLength(1)
  })

  it('[D01] counts the lease as lost when its time is over, whatever the store says or does not say', async () => {
    const failing = () => Promise.reject(Object.assign(new Error('at 10.0.0.7'), { code: 'ECONNRESET' }))
    for (const extend of [failing, () => new Promise<never>(() => undefined)]) {
      const { lock } = scriptedLock({ extend })
      const { events, onEvent } = listening()
      const { work, end, seen } = longWork()
      const done = exclusivelyWith(lock, onEvent)('k', work, nothing)
      await vi.advanceTimersByTimeAsync(29_999)
      expect(seen.signal?.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(seen.signal?.aborted).toBe(true)
      end()
      await done
      expect(events.filter(({ type }) => type === 'lock.lost')).toHaveLength(1)
      const reason = expect.stringMatching(/^(?:ECONNRESET|timeout)$/)
      const failure = { type: 'store.failed', store: 'grants', reason, failedOpen: true }
      for (const event of events) if (event.type !== 'lock.lost') expect(event).toEqual(failure)
    }
  })

  it('[D01] counts the time of a lease from before it was asked for', async () => {
    const slow: LockStore = {
      async acquire() {
        await new Promise((resolve) => setTimeout(resolve, 4000))
        return { extend: () => new Promise<never>(() => undefined), release: async () => undefined }
      },
    }
    const { work, end, seen } = longWork()
    const done = exclusivelyWith(slow)('k', work, nothing)
    await vi.advanceTimersByTimeAsync(29_999)
    expect(seen.signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(seen.signal?.aborted).toBe(true)
    end()
    await done
  })

  it('[D01] counts the time of a renewed lease from before the renewal was asked for', async () => {
    let times = 0
    const extend = (): Promise<boolean> =>
      new Promise((resolve) => {
        if (++times === 1) setTimeout(() => resolve(true), 3000)
      })
    const { work, end, seen } = longWork()
    const done = exclusivelyWith(scriptedLock({ extend }).lock)('k', work, nothing)
    await vi.advanceTimersByTimeAsync(39_999)
    expect(seen.signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(seen.signal?.aborted).toBe(true)
    end()
    await done
  })

  it('[D01] gets by with one renewal that failed', async () => {
    let times = 0
    const extend = async () => (++times === 1 ? Promise.reject(new RangeError('once')) : true)
    const { lock } = scriptedLock({ extend })
    const { events, onEvent } = listening()
    const { work, end, seen } = longWork()
    const done = exclusivelyWith(lock, onEvent)('k', work, nothing)
    await vi.advanceTimersByTimeAsync(45_000)
    expect(seen.signal?.aborted).toBe(false)
    end()
    await done
    expect(events).toEqual([{ type: 'store.failed', store: 'grants', reason: 'RangeError', failedOpen: true }])
  })

  it('does not mind what becomes of a renewal when the work is done', async () => {
    for (const answer of [async () => false, async () => true, () => Promise.reject(new Error('late'))]) {
      const extend = () => new Promise<boolean>((resolve) => setTimeout(() => resolve(answer()), 100))
      const { lock } = scriptedLock({ extend })
      const { events, onEvent } = listening()
      const { work, end, seen } = longWork()
      const done = exclusivelyWith(lock, onEvent)('k', work, nothing)
      await vi.advanceTimersByTimeAsync(10_050)
      end()
      await done
      await vi.advanceTimersByTimeAsync(1000)
      expect([events, seen.signal?.aborted, vi.getTimerCount()]).toEqual([[], false, 0])
    }
  })

  it('goes on without a lock that fails, and tells so in a code', async () => {
    const { events, onEvent } = listening()
    const failing = (thrown: unknown): LockStore => ({ acquire: () => Promise.reject(thrown) })
    const run = (lock: LockStore) => exclusivelyWith(lock, onEvent)('k', async () => 'done', nothing)
    expect(await run(failing(new RangeError('redis')))).toBe('done')
    expect(await run(failing('text'))).toBe('done')
    expect(await exclusivelyWith(failing('text'))('k', never, async () => 'theirs')).toBe('theirs')
    const about = { type: 'store.failed', store: 'grants', failedOpen: true }
    expect(events).toEqual([
      { ...about, reason: 'RangeError' },
      { ...about, reason: 'unknown' },
    ])
  })

  it('keeps nobody waiting for a lock that cannot be given back, and tells', async () => {
    const { events, onEvent } = listening()
    const lock: LockStore = {
      acquire: async () => ({ extend: async () => true, release: () => Promise.reject(new Error('gone')) }),
    }
    expect(await exclusivelyWith(lock, onEvent)('k', async () => 'done', nothing)).toBe('done')
    await vi.advanceTimersByTimeAsync(0)
    expect(events).toEqual([{ type: 'store.failed', store: 'grants', reason: 'Error', failedOpen: true }])
    const silent: LockStore = {
      acquire: async () => ({ extend: async () => true, release: () => new Promise<never>(() => undefined) }),
    }
    expect(await exclusivelyWith(silent)('k', async () => 'done', nothing)).toBe('done')
  })

  it('[S1-14] does not work without a lock that fails, where that would do harm', async () => {
    const lock: LockStore = { acquire: () => Promise.reject(new RangeError('redis')) }
    const { events, onEvent } = listening()
    const exclusively = createExclusively({ lock, store: 'tokens', worksUnlocked: false, onEvent })
    await expect(exclusively('k', never, nothing)).rejects.toThrow(RangeError)
    expect(events).toEqual([])
  })

  it('[S1-14] confirms a lease by renewing it, and tells when it is lost', async () => {
    const answers = [true, false]
    const { lock, log } = scriptedLock({ extend: async () => answers.shift() as boolean })
    const { events, onEvent } = listening()
    const { work, end, seen } = longWork()
    const done = createExclusively({ lock, store: 'tokens', worksUnlocked: false, onEvent })('k', work, nothing)
    await vi.advanceTimersByTimeAsync(5000)
    expect(await seen.confirm?.()).toBe(true)
    await vi.advanceTimersByTimeAsync(4000)
    expect(await seen.confirm?.()).toBe(false)
    expect(seen.signal?.aborted).toBe(true)
    expect(events).toEqual([{ type: 'lock.lost', store: 'tokens' }])
    expect(log.filter((line) => line.startsWith('extend'))).toHaveLength(2)
    end()
    await done
  })

  it('gives a lock 5 s to answer', async () => {
    const settled = vi.fn()
    const hanging: LockStore = { acquire: () => new Promise<never>(() => undefined) }
    const exclusively = createExclusively({ lock: hanging, store: 'tokens', worksUnlocked: false, onEvent: undefined })
    const answer = exclusively('k', never, nothing)
      .catch((error: unknown) => error)
      .finally(settled)
    await vi.advanceTimersByTimeAsync(4999)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await answer).toMatchObject({ reason: 'timeout' })
  })
})
