import { inspect } from 'node:util'
import { createEncryptedTokenStore, createMemoryTokenStore, type SealKey, type TokenStore } from 'portcullis/login'
import { describe, expect, it, vi } from 'vitest'
import { canary, entryOf } from '../../stores/token-store-contract.js'

const key = (id: string, fill: number): SealKey => ({ id, secret: new Uint8Array(32).fill(fill) })
const [old, fresh] = [key('old', 1), key('fresh', 2)]
const nameSecret = new Uint8Array(32).fill(3)
const corrupt = expect.objectContaining({ code: 'ERR_TOKEN_STORE_CORRUPT' })

async function listed(store: TokenStore): Promise<string[]> {
  const found: string[] = []
  for await (const name of store.keys()) found.push(name)
  return found.sort()
}

describe('the encrypted token store', () => {
  it('[S1-48] [A9] lets the store under it see neither token, key nor account', async () => {
    const inner = createMemoryTokenStore()
    const store = createEncryptedTokenStore(inner, { keys: [fresh], nameSecret })
    const entry = entryOf(canary, { account: { issuer: canary, subject: canary } })
    await store.set(canary, entry)
    const [name = ''] = await listed(inner)
    const outer = await inner.get(name)
    expect(name).toMatch(/^[\w-]{43}$/)
    expect(inspect(outer)).not.toContain(canary)
    expect(outer).toEqual({
      v: 1,
      version: entry.version,
      savedAt: entry.savedAt,
      tokens: expect.stringMatching(/^v1\.fresh\./),
    })
    expect(store.describe()).toEqual({
      kind: 'encrypted',
      atRest: 'encrypted',
      location: inner.describe().location,
      persistent: false,
    })
  })

  it('[S1-48] seals by keys of its own purposes: another purpose of the same ring opens nothing', async () => {
    const inner = createMemoryTokenStore()
    await createEncryptedTokenStore(inner, { keys: [fresh], nameSecret }).set('user', entryOf('tokens'))
    const asFile: TokenStore = { ...inner, describe: () => ({ ...inner.describe(), kind: 'file' }) }
    await expect(createEncryptedTokenStore(asFile, { keys: [fresh], nameSecret }).get('user')).rejects.toEqual(corrupt)
  })

  it('[S1-48] refuses an entry whose key is not in the ring, or whose version was exchanged', async () => {
    const inner = createMemoryTokenStore()
    const store = createEncryptedTokenStore(inner, { keys: [old], nameSecret })
    await store.set('user', entryOf('tokens'))
    const stranger = createEncryptedTokenStore(inner, { keys: [key('old', 9)], nameSecret })
    await expect(stranger.get('user')).rejects.toEqual(corrupt)
    expect(await listed(stranger)).toEqual([])
    const [name = ''] = await listed(inner)
    const outer = await inner.get(name)
    await inner.set(name, { ...entryOf(outer?.tokens as string), savedAt: 0 })
    await expect(store.get('user')).rejects.toEqual(corrupt)
  })

  it('[S1-48] finds nothing under another name secret', async () => {
    const inner = createMemoryTokenStore()
    await createEncryptedTokenStore(inner, { keys: [old], nameSecret }).set('user', entryOf('tokens'))
    const other = createEncryptedTokenStore(inner, { keys: [old], nameSecret: new Uint8Array(32).fill(4) })
    expect(await other.get('user')).toBeUndefined()
  })

  it('[S1-48] rotates: afterwards the new key alone opens all, with the lives they had', async () => {
    let nowMs = 1_800_000_000_000
    const clock = () => nowMs
    const inner = createMemoryTokenStore({ clock })
    const before = createEncryptedTokenStore(inner, { keys: [old], nameSecret, clock })
    const entries = { lasting: entryOf('lasting'), short: entryOf('short'), broken: entryOf('broken') }
    await before.set('lasting', entries.lasting)
    await before.set('short', entries.short, { ttlMs: 60_000 })
    const names = await listed(inner)
    await before.set('broken', entries.broken)
    const broken = (await listed(inner)).find((name) => !names.includes(name)) as string
    await inner.set(broken, { ...entryOf('v1.old.AAAA.AAAA') })
    const both = createEncryptedTokenStore(inner, { keys: [fresh, old], nameSecret, clock })
    await both.set('new', entryOf('new'))
    nowMs += 30_000
    expect(await both.rotate()).toEqual({ resealed: 2, kept: 1, damaged: 1 })
    expect(await both.rotate()).toEqual({ resealed: 0, kept: 3, damaged: 1 })
    const after = createEncryptedTokenStore(inner, { keys: [fresh], nameSecret, clock })
    expect(await after.get('lasting')).toEqual(entries.lasting)
    expect(await after.get('short')).toEqual(entries.short)
    nowMs += 30_000
    expect(await after.get('short')).toBeUndefined()
    expect(await after.get('lasting')).toEqual(entries.lasting)
  })

  it('[S1-48] rotates beside writers: an entry that changed meanwhile stays as it was written', async () => {
    const inner = createMemoryTokenStore()
    const both = { keys: [fresh, old], nameSecret }
    await createEncryptedTokenStore(inner, { keys: [old], nameSecret }).set('user', entryOf('tokens'))
    const next = entryOf('written meanwhile')
    const replace = vi.fn<TokenStore['replace']>(async (...args) => {
      replace.mockImplementation(inner.replace)
      await createEncryptedTokenStore(inner, both).set('user', next)
      return inner.replace(...args)
    })
    expect(await createEncryptedTokenStore({ ...inner, replace }, both).rotate()).toEqual({
      resealed: 0,
      kept: 1,
      damaged: 0,
    })
    expect(await createEncryptedTokenStore(inner, both).get('user')).toEqual(next)
  })

  it('[A12] rejects as its own what a store of somebody else throws, without its message', async () => {
    const inner: TokenStore = {
      ...createMemoryTokenStore(),
      get: () => Promise.reject(new TypeError(canary)),
    }
    const store = createEncryptedTokenStore(inner, { keys: [old], nameSecret })
    await expect(store.get('user')).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
      detail: 'The store failed: TypeError.',
    })
  })

  it('takes no options that cannot be right', () => {
    const inner = createMemoryTokenStore()
    for (const wrong of [
      { keys: [] },
      { nameSecret: new Uint8Array(16) },
      { nameSecret: undefined },
      { secret: 1 },
      { clock: 1 },
    ]) {
      const options = { keys: [old], nameSecret, ...wrong } as Parameters<typeof createEncryptedTokenStore>[1]
      expect(() => createEncryptedTokenStore(inner, options)).toThrow(/`/)
    }
  })
})
