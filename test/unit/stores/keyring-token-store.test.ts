import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryLockStore, type LockStore } from 'portcullis'
import { createKeyringTokenStore } from 'portcullis/native'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createKeyringTexts } from '../../../src/stores/keyring/keyring-texts.js'
import type { CallKeyring } from '../../../src/stores/keyring/keyring-thread.js'
import { canary, entryOf } from '../../stores/token-store-contract.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

/** The keyring of the operating system, with faults. */
const system = vi.hoisted(() => ({
  secrets: new Map<string, string>(),
  linuxStores: [] as string[],
  signals: [] as AbortSignal[],
  directory: undefined as string | undefined,
  fault: undefined as undefined | ((call: string, account: string) => unknown),
}))

vi.mock('../../../src/stores/file/token-directory.js', async (original) => {
  const real = await original<typeof import('../../../src/stores/file/token-directory.js')>()
  return { ...real, tokenDirectory: () => system.directory ?? real.tokenDirectory() }
})

vi.mock('../../../src/stores/keyring/keyring-thread.js', () => ({
  createKeyringCalls(service: string, linuxStore: string): CallKeyring {
    const faultNames = { getPassword: 'get', setPassword: 'set', deleteCredential: 'delete' }
    const answers = {
      getPassword: (name: string) => system.secrets.get(name) ?? null,
      setPassword: (name: string, secret?: string) => void system.secrets.set(name, secret as string),
      deleteCredential: (name: string) => system.secrets.delete(name),
    }
    return async ({ method, account, secret }, signal) => {
      const name = `${service}/${account}`
      system.linuxStores.push(linuxStore)
      system.signals.push(signal)
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
      await Promise.race([system.fault?.(faultNames[method], name), aborted])
      return answers[method](name, secret)
    }
  },
}))

beforeEach(() => {
  system.secrets.clear()
  system.linuxStores.length = 0
  system.signals.length = 0
  system.fault = undefined
})

const make = (options: Parameters<typeof createKeyringTokenStore>[0] = {}) =>
  createKeyringTokenStore({ lock: createMemoryLockStore(), ...options })

const long = (fill: string) => entryOf(fill.repeat(5000))

describe('the keyring token store', () => {
  it('[F10] asks the Secret Service by name, and the keyring of the kernel only where it was named', async () => {
    await make().get('user')
    await make({ linuxStore: 'keyutils' }).get('user')
    expect(system.linuxStores[0]).toBe('secret-service')
    expect(system.linuxStores.at(-1)).toBe('keyutils')
    expect(make({ linuxStore: 'keyutils' }).describe().persistent).toBe(process.platform !== 'linux')
    expect(make().describe()).toMatchObject({ kind: 'keyring', location: 'portcullis', persistent: true })
  })

  it('[S2-43] has the users of one process wait in turn for the list of keys', async () => {
    const inner = createMemoryLockStore()
    const refused: string[] = []
    const lock: LockStore = {
      async acquire(key, ttlMs) {
        const lease = await inner.acquire(key, ttlMs)
        if (lease === undefined) refused.push(key)
        return lease
      },
    }
    const store = make({ lock })
    const users = Array.from({ length: 20 }, (_, n) => `user ${n}`)
    await Promise.all(users.map((user) => store.set(user, entryOf(user))))
    const found: string[] = []
    for await (const key of store.keys()) found.push(key)
    expect(found.sort()).toEqual(users.sort())
    expect(refused).toEqual([])
  })

  it.each([
    ['The collection is locked', 'LOCKED'],
    ['prompt was dismissed', 'LOCKED'],
    ['Access denied', 'LOCKED'],
    ['could not unlock it', 'LOCKED'],
    ['User interaction is not allowed', 'LOCKED'],
    ['Did not receive a reply', 'LOCKED'],
    ['a message that the policy blocked', 'UNAVAILABLE'],
    ['no result found', 'UNAVAILABLE'],
  ])('[A9] [S2-47] takes “%s” for %s, and never shows the words', async (message, code) => {
    system.fault = () => Promise.reject(new Error(`${message} ${canary}`))
    const error = await make()
      .get('user')
      .catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: `ERR_TOKEN_STORE_${code}`, retryable: true })
    expect(JSON.stringify(error)).not.toContain(canary)
    expect(error).not.toHaveProperty('cause')
  })

  describe('a keyring that worked before', () => {
    beforeEach(() => {
      vi.useFakeTimers()
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    async function getAfter(faults: number, message: string) {
      const store = make()
      await store.set('user', entryOf('tokens'))
      let left = faults
      let calls = 0
      system.fault = () => {
        calls += 1
        if (left-- > 0) throw new Error(message)
      }
      const startedMs = Date.now()
      let tookMs = 0
      const outcome = store
        .get('user')
        .catch((error: unknown) => error)
        .finally(() => {
          tookMs = Date.now() - startedMs
        })
      await vi.runAllTimersAsync()
      return { outcome: await outcome, calls, tookMs }
    }

    it('is asked again while it is started anew', async () => {
      const { outcome, tookMs } = await getAfter(3, 'the connection was closed')
      expect(outcome).toMatchObject({ tokens: 'tokens' })
      expect(tookMs).toBe(1500)
    })

    it('is asked four times and no more', async () => {
      const { outcome, calls } = await getAfter(9, 'the connection was closed')
      expect(outcome).toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
      expect(calls).toBe(4)
    })

    it('is not asked again when it is locked', async () => {
      const { outcome, calls } = await getAfter(9, 'the collection is locked')
      expect(outcome).toMatchObject({
        code: 'ERR_TOKEN_STORE_LOCKED',
        detail: 'The keyring is locked, or refuses this program.',
      })
      expect(calls).toBe(1)
    })
  })

  it('takes what is no error for unavailable, and asks once a keyring that never answered', async () => {
    let calls = 0
    system.fault = () => {
      calls += 1
      return Promise.reject('locked')
    }
    await expect(make().get('user')).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      detail: 'There is no keyring here that works: no Secret Service, Keychain or Credential Manager.',
    })
    expect(calls).toBe(1)
  })

  it('[S2-43] lists a key once, and no other; a list that says it already is not written anew', async () => {
    const store = make()
    const list = () => [...system.secrets].filter(([name]) => name.startsWith('portcullis/keys.'))
    await store.set('user', entryOf('one'))
    await store.set('user', entryOf('two'))
    expect(list()).toEqual([['portcullis/keys.1.0', '["user"]']])
    await store.set('other', entryOf('three'))
    expect(list()).toEqual([['portcullis/keys.2.0', '["user","other"]']])
    await store.delete('user')
    expect(list()).toEqual([['portcullis/keys.3.0', '["other"]']])
    await store.delete('user')
    expect(list()).toEqual([['portcullis/keys.3.0', '["other"]']])
    system.secrets.set('portcullis/keys.3.0', '["othe"]')
    const found: string[] = []
    for await (const key of store.keys()) found.push(key)
    expect(found).toEqual([])
  })

  it('[A12] locks entries in the folder beside the tokens of this user where no lock is given', async () => {
    const home = await temporaryFolder()
    system.directory = join(home, 'tokens')
    onTestFinished(() => {
      system.directory = undefined
    })
    await createKeyringTokenStore().set('user', entryOf('tokens'))
    expect(readdirSync(home)).toEqual(['locks'])
  })

  it('[F10] says that entries outlive a restart where they do', () => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor
    onTestFinished(() => void Object.defineProperty(process, 'platform', platform))
    for (const [name, linuxStore, persistent] of [
      ['linux', 'secret-service', true],
      ['linux', 'keyutils', false],
      ['darwin', 'keyutils', true],
      ['darwin', 'secret-service', true],
    ] as const) {
      Object.defineProperty(process, 'platform', { ...platform, value: name })
      expect(make({ linuxStore }).describe()).toEqual({
        ...{ kind: 'keyring', atRest: 'os', location: 'portcullis', persistent },
        timeoutMs: 55_000,
      })
    }
    expect(Object.isFrozen(make())).toBe(true)
  })

  it('[S2-47] is locked when a prompt is not answered in time', async () => {
    system.fault = () => new Promise(() => undefined)
    await expect(make({ timeoutMs: 20 }).get('user')).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_LOCKED',
      detail: 'The keyring did not answer in 20 ms: it may be asking for its password.',
    })
    expect(system.signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('leaves no timer behind where it is answered', async () => {
    await make().get('nobody')
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    await make().get('nobody')
    expect(vi.getTimerCount()).toBe(0)
    expect(system.signals.every(({ aborted }) => !aborted)).toBe(true)
  })

  it('[F9] does not work where what was written does not come back', async () => {
    system.fault = (call) => (call === 'get' ? system.secrets.clear() : undefined)
    await expect(make().probe()).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_CORRUPT' })
  })

  it('[A2] keeps the old entry or the new one, whole, wherever a write ends, and cleans up with the next', async () => {
    for (let steps = 0; ; steps++) {
      system.fault = undefined
      system.secrets.clear()
      const store = make()
      await store.set('user', long('a'))
      await store.set('user', long('b'))
      let left = steps
      system.fault = (call) => {
        if (call !== 'get' && left-- <= 0) throw new Error('locked from here on')
      }
      const outcome = await store.set('user', long('c')).catch(() => 'ended')
      system.fault = undefined
      const after = make()
      expect((await after.get('user'))?.tokens[0]).toMatch(outcome === 'ended' ? /[bc]/ : /c/)
      expect((await after.get('user'))?.tokens).toHaveLength(5000)
      await after.set('user', entryOf('short'))
      await after.set('user', entryOf('shorter'))
      await after.delete('user')
      const remaining = [...system.secrets.keys()].filter((name) => !name.includes('/keys'))
      expect(remaining, `${steps}`).toEqual([])
      if (outcome !== 'ended') return expect(steps).toBeGreaterThan(10)
    }
  })

  it('[A2] keeps the entry, or nothing at all, wherever a deletion ends', async () => {
    for (let steps = 0; ; steps++) {
      system.fault = undefined
      system.secrets.clear()
      const store = make()
      await store.set('user', long('a'))
      await store.set('user', long('b'))
      let left = steps
      system.fault = (call) => {
        if (call !== 'get' && left-- <= 0) throw new Error('locked from here on')
      }
      const outcome = await store.delete('user').catch(() => 'ended')
      system.fault = undefined
      const after = make()
      const found = await after.get('user')
      if (steps === 0) expect(found?.tokens).toHaveLength(5000)
      else expect(found).toBeUndefined()
      await after.set('user', entryOf('again'))
      expect((await after.get('user'))?.tokens).toBe('again')
      await after.delete('user')
      expect([...system.secrets.keys()].filter((name) => !name.includes('/keys'))).toEqual([])
      if (outcome !== 'ended') return expect(steps).toBeGreaterThan(5)
    }
  })

  it('[A2] answers false for the second deletion of an entry whose first one ended halfway', async () => {
    const store = make()
    await store.set('user', long('a'))
    system.fault = (call) => {
      if (call === 'delete') throw new Error('the process ends here')
    }
    await expect(store.delete('user')).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_UNAVAILABLE' })
    system.fault = undefined
    expect(await store.has('user')).toBe(false)
    expect(await store.delete('user')).toBe(false)
  })

  it('reads again when a writer replaces an entry meanwhile, and takes missing pieces for damage', async () => {
    const [store, writer] = [make(), make()]
    await store.set('user', long('a'))
    let isBusy = false
    system.fault = async (call, name) => {
      if (call !== 'get' || !name.endsWith('.1.1') || isBusy) return
      isBusy = true
      await writer.set('user', long('b'))
    }
    expect((await store.get('user'))?.tokens).toBe('b'.repeat(5000))
    system.fault = undefined
    const pieces = [...system.secrets.keys()].filter((name) => name.endsWith('.2.1'))
    for (const name of pieces) system.secrets.delete(name)
    await expect(store.get('user')).rejects.toMatchObject({ code: 'ERR_TOKEN_STORE_CORRUPT' })
  })

  it('sees nothing where an entry is deleted while it is read', async () => {
    const [store, writer] = [make(), make()]
    await store.set('user', long('a'))
    let isBusy = false
    system.fault = async (call, name) => {
      if (call !== 'get' || !name.endsWith('.1.1') || isBusy) return
      isBusy = true
      await writer.delete('user')
    }
    expect(await store.get('user')).toBeUndefined()
  })

  it('[S2-43] begins its list of keys anew where that is damaged', async () => {
    const store = make()
    await store.set('lost', entryOf('one'))
    system.secrets.set('portcullis/keys', 'damaged')
    await store.set('found', entryOf('two'))
    const keys: string[] = []
    for await (const key of store.keys()) keys.push(key)
    expect(keys).toEqual(['found'])
    expect((await store.get('lost'))?.tokens).toBe('one')
    const texts = createKeyringTexts({
      get: async (name) => system.secrets.get(`portcullis/${name}`),
      set: async (name, secret) => void system.secrets.set(`portcullis/${name}`, secret),
      delete: async (name) => system.secrets.delete(`portcullis/${name}`),
    })
    await texts.write('keys', '{"no":"list"}', async () => undefined)
    await store.set('found', entryOf('two'))
    expect(await texts.read('keys')).toBe('["found"]')
  })

  it('refuses a text of more than 400 pieces', async () => {
    const texts = createKeyringTexts({
      get: async () => undefined,
      set: async () => undefined,
      delete: async () => false,
    })
    await expect(texts.write('name', 'x'.repeat(480_001), async () => undefined)).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_CONFIGURATION',
    })
  })

  it('has a lock of its own, and takes no options that cannot be right', () => {
    expect(createKeyringTokenStore().describe().kind).toBe('keyring')
    for (const [wrong, message] of [
      [{ service: '' }, '`service` takes a non-empty string.'],
      [{ linuxStore: 'kernel' }, "`linuxStore` takes one of 'secret-service', 'keyutils'."],
      [{ timeoutMs: 0 }, '`timeoutMs` takes a whole number from 1 to 600000.'],
      [{ timeoutMs: 600_001 }, '`timeoutMs` takes a whole number from 1 to 600000.'],
      [{ lock: {} }, '`lock` takes an object with the functions acquire.'],
      [{ clock: 7 }, '`clock` takes a function.'],
      [{ store: 7 }, 'createKeyringTokenStore has no option `store`.'],
    ] as const) {
      expect(() => createKeyringTokenStore(wrong as object)).toThrow(message)
    }
  })
})
