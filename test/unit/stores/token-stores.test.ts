import { createMemoryLockStore } from 'portcullis'
import { createMemoryTokenStore, firstWorkingStore, type TokenStore, withToken } from 'portcullis/login'
import { createTokenStore } from 'portcullis/native'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LockStore } from '../../../src/stores/contract.js'
import { createLockedTokenStore, type TextBackend } from '../../../src/stores/locked-token-store.js'
import { writeEnvelope } from '../../../src/stores/token-entry.js'
import { canary, entryOf } from '../../stores/token-store-contract.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const entry = entryOf('tokens')

async function listed(store: TokenStore): Promise<string[]> {
  const found: string[] = []
  for await (const key of store.keys()) found.push(key)
  return found
}

describe('createMemoryTokenStore', () => {
  it('[S1-40] [S1-46] [S2-44] forgets the entry that was not used for longest when it is full', async () => {
    const store = createMemoryTokenStore({ maxEntries: 2 })
    await store.set('a', entry)
    await store.set('b', entry)
    await store.get('a')
    await store.set('c', entry)
    expect((await listed(store)).sort()).toEqual(['a', 'c'])
    expect(() => createMemoryTokenStore({ maxEntries: 0 })).toThrow('`maxEntries`')
  })
})

describe('createTokenStore', () => {
  it('[A12] says of each how long a call may take, and takes a lease on its entry that is longer', async () => {
    const directory = await temporaryFolder()
    const sealing = { keys: [{ id: 'k', secret: new Uint8Array(32) }], nameSecret: new Uint8Array(32) }
    const client = { call: async () => null }
    const acquire = vi.fn<LockStore['acquire']>(() => Promise.reject(new Error('no')))
    const keyring = createTokenStore({ kind: 'keyring', timeoutMs: 12_000, lock: { acquire } })
    const times: [TokenStore, number | undefined][] = [
      [createTokenStore({ kind: 'memory' }), undefined],
      [createTokenStore({ kind: 'file', directory }), 15_000],
      [createTokenStore({ kind: 'encrypted', directory, ...sealing }), 15_000],
      [createTokenStore({ kind: 'keyring' }), 55_000],
      [keyring, 63_000],
      [createTokenStore({ kind: 'sops', directory, timeoutMs: 5000 }), 25_000],
      [createTokenStore({ kind: 'redis', client, timeoutMs: 700, ...sealing }), 700],
    ]
    for (const [store, timeoutMs] of times) expect(store.describe().timeoutMs).toBe(timeoutMs)
    await expect(keyring.set('user', entry)).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
    expect(acquire).toHaveBeenCalledExactlyOnceWith('user', 78_000)
  })
})

describe('firstWorkingStore', () => {
  const broken: TokenStore = {
    ...createMemoryTokenStore(),
    set: () => Promise.reject(new Error(canary)),
    describe: () => ({ kind: 'keyring', atRest: 'os', location: 'portcullis', persistent: true }),
  }

  it('[F9] takes the first that keeps what is written, and tells of those before it', async () => {
    const works = createMemoryTokenStore()
    const { store, passedOver } = await firstWorkingStore([broken, works, createMemoryTokenStore()])
    expect(store).toBe(works)
    expect(passedOver).toEqual([
      { described: broken.describe(), error: expect.objectContaining({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' }) },
    ])
    expect(JSON.stringify(passedOver)).not.toContain(canary)
    expect(await listed(works)).toEqual([])
  })

  it('rejects where none works, and where there is none to try', async () => {
    await expect(firstWorkingStore([broken])).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
    await expect(firstWorkingStore([])).rejects.toThrow('`firstWorkingStore` takes at least one store.')
  })

  it('[F9] tries an entry of a minute under a name of its own, and does not take another one for it', async () => {
    const inner = createMemoryTokenStore()
    const set = vi.fn(inner.set)
    const { store, passedOver } = await firstWorkingStore([{ ...inner, set }])
    expect([Object.isFrozen(passedOver), store.describe().kind]).toEqual([true, 'memory'])
    const [[key, probe, lifetime] = []] = set.mock.calls
    expect(key).toMatch(/^portcullis-probe:[\da-f-]{36}$/)
    expect(probe).toEqual({ v: 1, version: expect.stringMatching(/^[\da-f-]{36}$/), tokens: 'probe', savedAt: 0 })
    expect(lifetime).toEqual({ ttlMs: 60_000 })
    for (const found of [undefined, entryOf('of another')]) {
      const error = await firstWorkingStore([{ ...inner, get: async () => found }]).catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ detail: 'An entry just written does not come back.' })
    }
  })
})

describe('withToken', () => {
  it('[S1-45] hands over the entry, and calls nobody where there is none', async () => {
    const store = createMemoryTokenStore()
    await store.set('user', entry)
    expect(await withToken(store, 'user', ({ tokens }) => tokens.length)).toBe(6)
    const never = vi.fn()
    expect(await withToken(store, 'nobody', never)).toBeUndefined()
    expect(never).not.toHaveBeenCalled()
  })
})

describe('a store behind a lock', () => {
  const description = { kind: 'file', atRest: 'plaintext', location: 'a map', persistent: false } as const

  function makeStore(lock: LockStore, more: Partial<TextBackend> = {}) {
    const texts = new Map<string, string>()
    const backend: TextBackend = {
      read: async (key) => texts.get(key),
      write: async (key, text, confirm) => {
        await confirm()
        texts.set(key, text)
      },
      remove: async (key) => texts.delete(key),
      async *texts() {
        yield* texts.values()
      },
      ...more,
    }
    return createLockedTokenStore(backend, lock, Date.now, description)
  }

  it('[A12] gives up after 15 s when another process keeps the entry', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const lock = createMemoryLockStore()
    await lock.acquire('user', 1_000_000)
    const outcome = makeStore(lock)
      .set('user', entry)
      .catch((error: Error) => error)
    await vi.advanceTimersByTimeAsync(15_100)
    expect(await outcome).toMatchObject({
      ...{ code: 'ERR_TOKEN_STORE_LOCKED', retryable: true },
      detail: 'Another process keeps the entry for itself.',
    })
  })

  it('[A12] asks for a lock that another process has every 50 ms at most, for less than 15 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const random = vi.spyOn(Math, 'random').mockReturnValue(1)
    onTestFinished(() => {
      random.mockRestore()
      vi.useRealTimers()
    })
    const acquire = vi.fn<LockStore['acquire']>(async () => undefined)
    const outcome = makeStore({ acquire })
      .set('user', entry)
      .catch((error: Error) => error)
    for (const [ms, times] of [
      [49, 1],
      [1, 2],
      [50, 3],
      [14_850, 300],
      [50, 300],
    ] as const) {
      await vi.advanceTimersByTimeAsync(ms)
      expect(acquire).toHaveBeenCalledTimes(times)
    }
    expect(await outcome).toMatchObject({ code: 'ERR_TOKEN_STORE_LOCKED' })
    expect(acquire).toHaveBeenLastCalledWith('user', 30_000)
  })

  it('[A12] has the callers of this process wait in turn for each key, and gives the lock back', async () => {
    const inner = createMemoryLockStore()
    let refused = 0
    const lock: LockStore = {
      async acquire(key, ttlMs) {
        const lease = await inner.acquire(key, ttlMs)
        if (lease === undefined) refused += 1
        return lease
      },
    }
    const store = makeStore(lock)
    await Promise.all(['a', 'b', 'a', 'b', 'a'].map((key) => store.set(key, entryOf(key))))
    expect(refused).toBe(0)
    expect(await inner.acquire('a', 1)).toBeDefined()
  })

  it('[S1-40] remembers no key that nobody waits for', async () => {
    const store = makeStore({ acquire: async () => ({ extend: async () => true, release: async () => undefined }) })
    const forgotten = vi.spyOn(Map.prototype, 'delete')
    onTestFinished(() => forgotten.mockRestore())
    await Promise.all(['a', 'b', 'a'].map((key) => store.set(key, entryOf(key))))
    await Promise.resolve()
    expect(forgotten.mock.calls.sort()).toEqual([['a'], ['b']])
  })

  it('[S2-43] lists by prefix what is not over, and passes over what is damaged', async () => {
    const texts = async function* () {
      yield writeEnvelope({ key: 'a:1', entry, expiresAtMs: undefined })
      yield '{"v":1'
      yield writeEnvelope({ key: 'b:1', entry, expiresAtMs: undefined })
      yield writeEnvelope({ key: 'a:2', entry, expiresAtMs: 1 })
    }
    const store = makeStore(createMemoryLockStore(), { texts })
    expect(await listed(store)).toEqual(['a:1', 'b:1'])
    const found: string[] = []
    for await (const key of store.keys('a:')) found.push(key)
    expect(found).toEqual(['a:1'])
    expect(store.describe()).toEqual({ ...description, timeoutMs: 15_000 })
    expect([Object.isFrozen(store), Object.isFrozen(store.describe())]).toEqual([true, true])
  })

  it('[A12] rejects with the error of stores where the lock or the backend fails, and goes on afterwards', async () => {
    const lock = createMemoryLockStore()
    const acquire = vi
      .fn(lock.acquire)
      .mockRejectedValueOnce(Object.assign(new Error(canary), { code: 'ECONNREFUSED' }))
    const store = makeStore({ acquire })
    await expect(store.set('user', entry)).rejects.toMatchObject({ detail: 'The store failed: ECONNREFUSED.' })
    await store.set('user', entry)
    expect(await store.get('user')).toEqual(entry)
    const texts: TextBackend['texts'] = () => {
      throw new RangeError(canary)
    }
    await expect(listed(makeStore(lock, { texts }))).rejects.toMatchObject({ detail: 'The store failed: RangeError.' })
  })

  it('[A3] writes nothing once its lease is lost, and deletes nothing by version either', async () => {
    const lease = { extend: vi.fn(async () => true), release: () => Promise.reject(new Error('gone')) }
    const store = makeStore({ acquire: async () => lease })
    await store.set('user', entry)
    lease.extend.mockResolvedValue(false)
    await expect(store.set('user', entryOf('next'))).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_LOCKED',
      detail: 'The hold on the entry was lost before it was written.',
    })
    const deletion = store.replace('user', entry.version, undefined)
    await expect(deletion).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_LOCKED' })
    expect(await store.get('user')).toEqual(entry)
    expect(await store.replace('nobody', undefined, undefined)).toBe(true)
  })
})
