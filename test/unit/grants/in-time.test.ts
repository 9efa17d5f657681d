import type { GrantStore, LockStore, PortcullisEvent } from 'portcullis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lockInTime, storeInTime } from '../../../src/grants/shared-grants.js'
import { calendar, caller, setUpGrants, tokenOf } from '../../support/grants-set-up.js'

const never = () => new Promise<never>(() => {})
const silentStore: GrantStore = { get: never, set: never, delete: never }
const late = { reason: 'timeout' }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a grant store that never answers', () => {
  it.each<[string, (store: GrantStore) => unknown]>([
    ['get', (store) => store.get('k')],
    ['set', (store) => store.set('k', {} as never, 1)],
    ['delete', (store) => store.delete('k')],
  ])('fails after 5 s: %s', async (_name, call) => {
    const settled = vi.fn()
    const answer = Promise.resolve(call(storeInTime(silentStore)))
      .catch((error: unknown) => error)
      .finally(settled)
    await vi.advanceTimersByTimeAsync(4999)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await answer).toMatchObject(late)
  })

  it('[TX-12] keeps no request waiting: the token is exchanged anew, and an event tells', async () => {
    const events: PortcullisEvent[] = []
    const lock: LockStore = { acquire: never }
    const setUp = setUpGrants({ store: silentStore, lock, onEvent: (event) => void events.push(event) })
    const settled = vi.fn()
    const token = tokenOf(setUp, caller('alice-token'), calendar).finally(settled)
    while (settled.mock.calls.length === 0) {
      await vi.advanceTimersByTimeAsync(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await token).toBe(`alice-token@${calendar}#1`)
    const failure = { type: 'store.failed', store: 'grants', reason: 'timeout', failedOpen: true }
    expect(events.filter(({ type }) => type === 'store.failed')).toEqual(Array.from({ length: 4 }, () => failure))
  })
})

describe('a lock', () => {
  it('that answers passes its answers on, and a lease that hangs fails', async () => {
    expect(await lockInTime({ acquire: async () => undefined }).acquire('k', 1)).toBeUndefined()
    const held = lockInTime({
      acquire: async () => ({ extend: async (ttlMs) => ttlMs === 7, release: async () => {} }),
    })
    const lease = await held.acquire('k', 1)
    expect([await lease?.extend(7), await lease?.extend(8), await lease?.release()]).toEqual([true, false, undefined])
    const silent = await lockInTime({ acquire: async () => ({ extend: never, release: never }) }).acquire('k', 1)
    const answers = [silent?.release(), silent?.extend(1)].map((one) => one?.catch((error: unknown) => error))
    await vi.advanceTimersByTimeAsync(5000)
    for (const answer of answers) expect(await answer).toMatchObject(late)
  })

  it('passes key, lifetime and values through in time', async () => {
    const calls: unknown[] = []
    const store = storeInTime({
      get: (key) => void calls.push(['get', key]),
      set: (key, grant, ttlMs) => void calls.push(['set', key, grant, ttlMs]),
      delete: (key) => void calls.push(['delete', key]),
    })
    await store.get('a')
    await store.set('b', {} as never, 7)
    await store.delete('c')
    expect(calls).toEqual([
      ['get', 'a'],
      ['set', 'b', {}, 7],
      ['delete', 'c'],
    ])
  })
})
