import { createMemoryLockStore, type GrantStore, type Lease, type LockStore, type PortcullisEvent } from 'portcullis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createExclusively } from '../../../src/grants/shared-grants.js'
import { calendar, caller, failureOf, setUpGrants, tokenOf } from '../../support/grants-set-up.js'

/** A lock that says no so many times first; `extend` answers, or throws, what it is told. */
function scriptedLock({ busy = 0, extend = async () => true }: { busy?: number; extend?: Lease['extend'] } = {}) {
  const log: string[] = []
  let left = busy
  const lock: LockStore = {
    async acquire(key, ttlMs) {
      log.push(`acquire ${key} ${ttlMs}`)
      if (left-- > 0) return undefined
      return {
        extend(longerMs) {
          log.push(`extend ${longerMs}`)
          return extend(longerMs)
        },
        release: async () => void log.push('release'),
      }
    },
  }
  return { lock, log }
}

/** Work that lasts until it is told to end. */
function longWork() {
  let end: (value: string) => void = () => undefined
  const result = new Promise<string>((resolve) => {
    end = resolve
  })
  const seen: { signal: AbortSignal | undefined } = { signal: undefined }
  return {
    seen,
    end: () => end('mine'),
    work(signal: AbortSignal) {
      seen.signal = signal
      return result
    },
  }
}

function listening() {
  const events: PortcullisEvent[] = []
  return { events, onEvent: (event: PortcullisEvent) => void events.push(event) }
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
    const work = async (signal: AbortSignal) => `done ${signal.aborted}`
    expect(await createExclusively(undefined, undefined)('k', work, nothing)).toBe('done false')
  })

  it('[D01] works under a lease and gives it back, also after a failure', async () => {
    const { lock, log } = scriptedLock()
    const exclusively = createExclusively(lock, undefined)
    expect(await exclusively('k', async () => 'done', nothing)).toBe('done')
    await expect(exclusively('k', () => Promise.reject(new Error('no')), nothing)).rejects.toThrow('no')
    expect(log).toEqual(['acquire k 30000', 'release', 'acquire k 30000', 'release'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[D01] takes the result of who had the lock before', async () => {
    expect(await createExclusively(scriptedLock().lock, undefined)('k', never, async () => 'theirs')).toBe('theirs')
    const busy = scriptedLock({ busy: 5 })
    let looks = 0
    const look = async () => (++looks === 2 ? 'theirs' : undefined)
    const waiting = createExclusively(busy.lock, undefined)('k', never, look)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await waiting).toBe('theirs')
    expect(busy.log).toHaveLength(2)
  })

  it('[D01] waits for the lock with growing pauses, and works where nobody else did', async () => {
    const { lock, log } = scriptedLock({ busy: 10 })
    const random = vi.spyOn(Math, 'random').mockReturnValue(1)
    const done = createExclusively(lock, undefined)('k', async () => 'mine', nothing)
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
    const answer = createExclusively(lock, undefined)('k', never, nothing)
      .catch((error: unknown) => error)
      .finally(settled)
    await vi.advanceTimersByTimeAsync(14_900)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(400)
    expect(await answer).toMatchObject({ reason: 'timeout' })
  })

  it('[D01] renews its lease for as long as it works, so that nobody else starts meanwhile', async () => {
    const store = createMemoryLockStore({ clock: () => performance.now() })
    const { events, onEvent } = listening()
    const { work, end, seen } = longWork()
    const done = createExclusively(store, onEvent)('k', work, nothing)
    await vi.advanceTimersByTimeAsync(95_000)
    expect(await store.acquire('k', 1)).toBeUndefined()
    expect(seen.signal?.aborted).toBe(false)
    end()
    expect(await done).toBe('mine')
    expect(await store.acquire('k', 1)).toBeDefined()
    expect(events).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[D01] asks for the whole time every 10 s', async () => {
    const { lock, log } = scriptedLock()
    const { work, end } = longWork()
    const done = createExclusively(lock, undefined)('k', work, nothing)
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
    const done = createExclusively(lock, onEvent)('k', work, nothing)
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
      const done = createExclusively(lock, onEvent)('k', work, nothing)
      await vi.advanceTimersByTimeAsync(29_999)
      expect(seen.signal?.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(seen.signal?.aborted).toBe(true)
      end()
      await done
      expect(events.filter(({ type }) => type === 'lock.lost')).toHaveLength(1)
      const failure = { type: 'store.failed', store: 'grants', reason: 'ECONNRESET', failedOpen: true }
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
    const done = createExclusively(slow, undefined)('k', work, nothing)
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
    const done = createExclusively(scriptedLock({ extend }).lock, undefined)('k', work, nothing)
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
    const done = createExclusively(lock, onEvent)('k', work, nothing)
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
      const done = createExclusively(lock, onEvent)('k', work, nothing)
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
    const run = (lock: LockStore) => createExclusively(lock, onEvent)('k', async () => 'done', nothing)
    expect(await run(failing(new RangeError('redis')))).toBe('done')
    expect(await run(failing('text'))).toBe('done')
    expect(await createExclusively(failing('text'), undefined)('k', never, async () => 'theirs')).toBe('theirs')
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
    expect(await createExclusively(lock, onEvent)('k', async () => 'done', nothing)).toBe('done')
    await vi.advanceTimersByTimeAsync(0)
    expect(events).toEqual([{ type: 'store.failed', store: 'grants', reason: 'Error', failedOpen: true }])
    const silent: LockStore = {
      acquire: async () => ({ extend: async () => true, release: () => new Promise<never>(() => undefined) }),
    }
    expect(await createExclusively(silent, undefined)('k', async () => 'done', nothing)).toBe('done')
  })
})

describe('the lock of the grant engine', () => {
  beforeEach(() => {
    vi.useRealTimers()
  })

  it('[D06] is for one exact key', async () => {
    const { lock, log } = scriptedLock()
    const setUp = setUpGrants({ lock })
    await tokenOf(setUp, caller('one'), calendar)
    await tokenOf(setUp, caller('one'), calendar)
    await tokenOf(setUp, caller('two'), calendar)
    const keys = log.filter((line) => line.startsWith('acquire'))
    expect([keys.length, new Set(keys).size, setUp.exchanges()]).toEqual([2, 2, 2])
  })

  it('[D01] keeps a token out of the shared cache that was exchanged after the lease was lost', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
    const kept: string[] = []
    const store: GrantStore = {
      get: () => undefined,
      set: (_key, { accessToken }) => void kept.push(accessToken),
      delete: () => undefined,
    }
    for (const [extend, held] of [
      [async () => true, 1],
      [async () => false, 0],
    ] as const) {
      kept.length = 0
      const setUp = setUpGrants({ store, lock: scriptedLock({ extend }).lock, exchangeTimeoutMs: 60_000 })
      const exchange = setUp.client.exchangeToken
      const slow = async (...about: Parameters<typeof exchange>) => {
        await new Promise((resolve) => setTimeout(resolve, 12_000))
        return exchange(...about)
      }
      const slowGrants = setUpGrants({
        store,
        lock: scriptedLock({ extend }).lock,
        exchangeTimeoutMs: 60_000,
        client: { ...setUp.client, exchangeToken: slow },
      } as never)
      const token = tokenOf(slowGrants, caller('alice'), calendar)
      for (let second = 0; second < 13; second++) {
        await vi.advanceTimersByTimeAsync(1000)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect(await token).toContain('alice')
      expect(kept).toHaveLength(held)
    }
  })

  it('[D01] answers 503 when another process holds it for too long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const setUp = setUpGrants({ lock: scriptedLock({ busy: Number.POSITIVE_INFINITY }).lock })
    const failure = failureOf(setUp, caller('one'), calendar)
    for (let second = 0; second < 20; second++) {
      await vi.advanceTimersByTimeAsync(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await failure).toMatchObject({ status: 503, code: 'ERR_GRANT_UNAVAILABLE', retryAfterSeconds: 5 })
    expect(setUp.exchanges()).toBe(0)
  })
})
