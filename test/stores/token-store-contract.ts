import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { StoredTokens, TokenStore } from '../../src/stores/contract.js'

/** A token store under test, with ways to reach behind it. */
export interface TokenStoreUnderTest {
  readonly store: TokenStore
  /** Makes the store believe that `ms` milliseconds passed. */
  pass(ms: number): void | Promise<void>
  /** Alters what is kept for `key`, as a bad disk or an intruder would. */
  damage?(key: string): Promise<void>
  /** Puts what is kept for `from` where `to` is kept. */
  swap?(from: string, to: string): Promise<void>
}

export const canary = 'canary-4f1c9b'

export function entryOf(tokens: string, more: Partial<StoredTokens> = {}): StoredTokens {
  return { v: 1, version: randomUUID(), tokens, savedAt: 1_800_000_000, ...more }
}

async function listed(keys: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const key of keys) found.push(key)
  return found.sort()
}

const code = (name: string) => expect.objectContaining({ name: 'TokenStoreError', code: `ERR_TOKEN_STORE_${name}` })

/** What every token store has to do. */
export function describeTokenStore(name: string, create: () => Promise<TokenStoreUnderTest>): void {
  describe(`${name} as a token store`, () => {
    const fresh = (label = 'user') => `${label}-${randomUUID()}`

    it('[S1-40] [S1-41] [S1-42] gives back what was put there, and nothing where nothing was', async () => {
      const { store } = await create()
      const [key, other] = [fresh(), fresh()]
      const account = { issuer: 'https://id.example', subject: 'ümläut-\u{1f511}' }
      const entry = entryOf('{"accessToken":"ä\u{1f511}\\u0000\\n"}', { account })
      await store.set(key, entry)
      await store.set(other, entryOf('other'))
      expect(await store.get(key)).toEqual(entry)
      expect((await store.get(other))?.tokens).toBe('other')
      expect(await store.get(fresh())).toBeUndefined()
      expect(await store.get('__proto__')).toBeUndefined()
    })

    it('[S1-40] hands out copies of what was put in', async () => {
      const { store } = await create()
      const key = fresh()
      const entry = { ...entryOf('as it was'), account: { issuer: 'https://id.example', subject: 'a' } }
      await store.set(key, entry)
      entry.account.subject = 'b'
      const found = await store.get(key)
      expect(found?.account?.subject).toBe('a')
      expect(Object.isFrozen(found)).toBe(true)
    })

    it('[S1-41] replaces only what it expects to find', async () => {
      const { store } = await create()
      const key = fresh()
      const [first, second, third] = [entryOf('first'), entryOf('second'), entryOf('third')]
      expect(await store.replace(key, 'some-version', first)).toBe(false)
      expect(await store.get(key)).toBeUndefined()
      expect(await store.replace(key, undefined, first)).toBe(true)
      expect(await store.replace(key, undefined, second)).toBe(false)
      expect(await store.replace(key, first.version, second)).toBe(true)
      expect(await store.replace(key, first.version, third)).toBe(false)
      expect(await store.get(key)).toEqual(second)
      expect(await store.replace(key, first.version, undefined)).toBe(false)
      expect(await store.replace(key, second.version, undefined)).toBe(true)
      expect(await store.has(key)).toBe(false)
      expect(await store.replace(key, undefined, undefined)).toBe(true)
      expect(await store.replace(key, second.version, undefined)).toBe(false)
    })

    it('[S1-41] gives 20 concurrent replacements of one version one winner', async () => {
      const { store } = await create()
      const key = fresh()
      const first = entryOf('first')
      await store.set(key, first)
      const rivals = Array.from({ length: 20 }, (_, n) => entryOf(`rival ${n}`))
      const answers = await Promise.all(rivals.map((rival) => store.replace(key, first.version, rival)))
      expect(answers.filter((answer) => answer)).toHaveLength(1)
      expect(await store.get(key)).toEqual(rivals[answers.indexOf(true)])
    })

    it('[S1-43] [S1-44] deletes, and tells whether there was something', async () => {
      const { store } = await create()
      const key = fresh()
      await store.set(key, entryOf('tokens'))
      expect(await store.has(key)).toBe(true)
      expect(await store.delete(key)).toBe(true)
      expect(await store.delete(key)).toBe(false)
      expect(await store.has(key)).toBe(false)
      expect(await store.get(key)).toBeUndefined()
    })

    it('[S2-43] lists keys by prefix, whatever characters they have', async () => {
      const { store } = await create()
      const prefix = fresh('list')
      const keys = ['*', '?[a]', 'ä\u{1f511}', '../../etc', 'x'.repeat(400), '{tag}'].map((end) => `${prefix}:${end}`)
      for (const key of keys) await store.set(key, entryOf(key))
      await store.set(fresh(), entryOf('not in the list'))
      expect(await listed(store.keys(`${prefix}:`))).toEqual([...keys].sort())
      expect(await listed(store.keys(`${prefix}:*`))).toEqual([`${prefix}:*`])
      expect(await listed(store.keys())).toEqual(expect.arrayContaining(keys))
      for (const key of keys) expect((await store.get(key))?.tokens).toBe(key)
    })

    it('[D11] keeps an entry for its whole time, and no longer', async () => {
      const { store, pass } = await create()
      const [key, lasting] = [fresh(), fresh()]
      const [entry, next] = [entryOf('short'), entryOf('longer')]
      await store.set(key, entry, { ttlMs: 60_000 })
      await store.set(lasting, entryOf('no end'))
      await pass(40_000)
      expect(await store.replace(key, entry.version, next, { ttlMs: 60_000.5 })).toBe(true)
      await pass(40_000)
      expect(await store.get(key)).toEqual(next)
      await pass(20_002)
      expect(await store.get(key)).toBeUndefined()
      expect(await store.has(key)).toBe(false)
      expect(await listed(store.keys(key))).toEqual([])
      expect(await store.replace(key, next.version, entry)).toBe(false)
      expect(await store.replace(key, undefined, entry)).toBe(true)
      expect((await store.get(lasting))?.tokens).toBe('no end')
    })

    it('[S1-40] takes keys of 512 characters and entries of 45 KiB', async () => {
      const { store } = await create()
      const key = fresh().padEnd(512, 'k')
      const entry = entryOf('t'.repeat(45 * 1024))
      await store.set(key, entry)
      expect(await store.get(key)).toEqual(entry)
      const shorter = entryOf('short again')
      await store.set(key, shorter)
      expect(await store.get(key)).toEqual(shorter)
    })

    it('[S1-40] refuses keys and entries that no store could keep', async () => {
      const { store } = await create()
      const entry = entryOf(canary)
      for (const key of ['', 'k'.repeat(513), 'lone-\ud800', 7 as unknown as string]) {
        await expect(store.get(key), String(key)).rejects.toEqual(code('CONFIGURATION'))
        await expect(store.set(key, entry)).rejects.toEqual(code('CONFIGURATION'))
        await expect(store.replace(key, undefined, entry)).rejects.toEqual(code('CONFIGURATION'))
        await expect(store.delete(key)).rejects.toEqual(code('CONFIGURATION'))
        await expect(store.has(key)).rejects.toEqual(code('CONFIGURATION'))
      }
      const wrong = [
        { ...entry, tokens: canary.repeat(6000) },
        { ...entry, version: '' },
        { ...entry, version: 'v'.repeat(129) },
        { ...entry, v: 2 },
        { ...entry, tokens: undefined },
        { ...entry, savedAt: Number.NaN },
        { ...entry, account: { issuer: 'https://id.example' } },
        undefined,
      ] as unknown as StoredTokens[]
      const key = fresh()
      for (const broken of wrong) await expect(store.set(key, broken)).rejects.toEqual(code('CONFIGURATION'))
      const large = wrong[0] as StoredTokens
      await expect(store.replace(key, undefined, large)).rejects.toEqual(code('CONFIGURATION'))
      await expect(store.set(key, entry, { ttlMs: Number.NaN })).rejects.toEqual(code('CONFIGURATION'))
      expect(await store.has(key)).toBe(false)
    })

    it('[A4] never mixes two users of one name, in 80 steps at a time', async () => {
      const { store } = await create()
      const prefix = fresh('alice')
      const users = ['https://id.example|1', 'https://id.example|2'].map((account) => `${prefix} ${account}`)
      const steps = Array.from({ length: 40 }, (_, step) => step)
      const lives = users.map(async (user, n) => {
        for (const step of steps) {
          const found = await store.get(user)
          if (found !== undefined) expect(found.tokens.startsWith(`tokens of ${n} `)).toBe(true)
          const next = entryOf(`tokens of ${n} step ${step}`)
          if (step % 5 === 4) expect(await store.delete(user)).toBe(true)
          else if (step % 2 === 0) await store.set(user, next)
          else expect(await store.replace(user, found?.version, next)).toBe(true)
        }
      })
      await Promise.all(lives)
    })

    it('[A9] shows no token, key or account in its errors, in itself or its description', async () => {
      const { store, damage } = await create()
      const key = fresh(canary)
      const entry = entryOf(canary, { account: { issuer: canary, subject: canary } })
      await store.set(key, entry)
      await damage?.(key)
      const errors = await Promise.allSettled([
        store.get(key),
        store.set(`${key}${canary.repeat(50)}`, entry),
        store.set(key, { ...entry, tokens: canary.repeat(8000) }),
      ])
      const thrown = errors.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
      expect(thrown).toHaveLength(damage === undefined ? 2 : 3)
      const texts = [store, store.describe(), ...thrown].flatMap((value) => [
        inspect(value, { depth: 20, showHidden: true }),
        JSON.stringify(value),
        String(value),
      ])
      for (const error of thrown) texts.push(error.message, String(error.stack), inspect(error.cause))
      expect(texts.join('\n')).not.toContain(canary)
    })

    it('[S1-42] [A12] refuses a damaged entry, and lets it be replaced or deleted', async (context) => {
      const { store, damage } = await create()
      if (damage === undefined) return context.expect(name).toBe('memory')
      const [key, sound] = [fresh('damaged'), fresh('damaged')]
      const entry = entryOf('tokens')
      await store.set(key, entry)
      await store.set(sound, entry)
      await damage(key)
      await expect(store.get(key)).rejects.toEqual(code('CORRUPT'))
      expect(await store.has(key)).toBe(true)
      expect(await listed(store.keys('damaged'))).toContain(sound)
      await store.set(key, entry)
      expect(await store.get(key)).toEqual(entry)
      await damage(key)
      expect(await store.delete(key)).toBe(true)
      expect(await store.get(key)).toBeUndefined()
      expect(await store.get(sound)).toEqual(entry)
    })

    it('[F16] hands nobody the entry of another key', async (context) => {
      const { store, swap } = await create()
      if (swap === undefined) return context.expect(name).toBe('memory')
      const [alice, mallory] = [fresh('alice'), fresh('mallory')]
      await store.set(alice, entryOf('of alice'))
      await store.set(mallory, entryOf('of mallory'))
      await swap(alice, mallory)
      await expect(store.get(mallory)).rejects.toEqual(code('CORRUPT'))
    })

    it('[S2-51] describes itself', async () => {
      const { store } = await create()
      const { kind, atRest, location, persistent } = store.describe()
      expect(Object.isFrozen(store)).toBe(true)
      expect(['memory', 'file', 'encrypted', 'keyring', 'sops', 'redis']).toContain(kind)
      expect(['plaintext', 'encrypted', 'os']).toContain(atRest)
      expect(location).not.toBe('')
      expect(typeof persistent).toBe('boolean')
    })
  })
}
