import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { createEncryptedTokenStore, createMemoryTokenStore, type TokenStore } from 'portcullis/login'
import { describe, expect, it, vi } from 'vitest'
import { createEntrySealer } from '../../../src/stores/encrypted/entry-sealer.js'
import { createSealer } from '../../../src/stores/sealer.js'
import { entryOf } from '../../stores/token-store-contract.js'

const secret = new Uint8Array(32).fill(1)
const nameSecret = new Uint8Array(40).fill(3)
const keys = [{ id: 'k-1', secret }]
const derived = (input: Uint8Array, purpose: string) =>
  Buffer.from(hkdfSync('sha256', input, new Uint8Array(), purpose, 32))
const corrupt = (detail: string) => expect.objectContaining({ code: 'ERR_TOKEN_STORE_CORRUPT', detail })

/** Opens what was sealed, by the platform alone. */
function opened(sealed: string, key: Buffer, place: string): string {
  const [version, id, nonce = '', ciphertext = ''] = sealed.split('.')
  expect([version, id]).toEqual(['v1', 'k-1'])
  const bytes = Buffer.from(ciphertext, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'))
  decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-16))
  return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8')
}

describe('createEntrySealer', () => {
  it('[S1-48] names and seals as it always did: entries of an earlier version open', async () => {
    const sealer = createEntrySealer('file', { keys, nameSecret })
    const hmac = createHmac('sha256', derived(nameSecret, 'portcullis token store names')).update('user')
    expect(await sealer.nameOf('user')).toBe(hmac.digest('base64url'))
    const entry = entryOf('tokens')
    const sealed = await sealer.seal('name', { key: 'user', entry, expiresAtMs: 7 })
    const text = opened(sealed, derived(secret, 'portcullis token store'), 'portcullis:tokens:file:name')
    expect(JSON.parse(text)).toEqual({ v: 1, key: 'user', expiresAtMs: 7, entry })
    expect(await sealer.open('name', sealed, entry.version, 'user')).toEqual({ key: 'user', entry, expiresAtMs: 7 })
    const altered = 'An entry does not open: it was altered or moved, or its key is not in `keys`.'
    await expect(sealer.open('other', sealed, entry.version)).rejects.toEqual(corrupt(altered))
    const version = 'The version beside an entry is not its own.'
    await expect(sealer.open('name', sealed, 'other')).rejects.toEqual(corrupt(version))
    await expect(sealer.open('name', sealed, entry.version, 'mallory')).rejects.toEqual(
      corrupt('An entry was put there for another key.'),
    )
    expect([sealer.isCurrent(sealed), sealer.isCurrent('v1.k-10.A.A'), sealer.isCurrent('v1.k-2.A.A')]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('[S1-48] keeps copies of its secrets, and derives each of its keys once', async () => {
    const [ring, own] = [Uint8Array.from(secret), Uint8Array.from(nameSecret)]
    const sealer = createEntrySealer('file', { keys: [{ id: 'k-1', secret: ring }], nameSecret: own })
    ring.fill(9)
    own.fill(9)
    const same = createEntrySealer('file', { keys, nameSecret })
    const imported = vi.spyOn(crypto.subtle, 'importKey')
    expect(await sealer.nameOf('user')).toBe(await same.nameOf('user'))
    const entry = entryOf('tokens')
    const sealed = await sealer.seal('name', { key: 'user', entry, expiresAtMs: undefined })
    expect((await same.open('name', sealed, entry.version)).entry).toEqual(entry)
    const calls = imported.mock.calls.filter(([, , algorithm]) => algorithm === 'HKDF').length
    for (const one of [sealer, same]) {
      await one.nameOf('other')
      await one.open('name', await one.seal('name', { key: 'user', entry, expiresAtMs: undefined }), entry.version)
    }
    expect(calls).toBe(4)
    expect(imported.mock.calls.filter(([, , algorithm]) => algorithm === 'HKDF')).toHaveLength(4)
    expect(imported.mock.calls.every(([, , algorithm, extractable]) => algorithm !== 'HKDF' || !extractable)).toBe(true)
    imported.mockRestore()
  })

  it.each<[string, object, string]>([
    [
      'a name secret of 31 bytes',
      { nameSecret: new Uint8Array(31) },
      '`nameSecret` takes at least 32 random bytes, the',
    ],
    ['a name secret that is text', { nameSecret: 'x'.repeat(32) }, '`nameSecret` takes at least 32'],
    ['a name secret that is a list', { nameSecret: Array.from({ length: 32 }, () => 7) }, '`nameSecret` takes'],
    ['no name secret', { nameSecret: undefined }, '`nameSecret` takes'],
    ['an empty key ring', { keys: [] }, '`keys` takes at least one key.'],
    ['a clock that stands', { clock: 7 }, '`clock` takes a function.'],
    ['an unknown option', { name: 7 }, 'createEncryptedTokenStore has no option `name`.'],
  ])('[S1-48] is not made with %s', (_name, wrong, message) => {
    const options = { keys, nameSecret, ...wrong } as never
    expect(() => createEncryptedTokenStore(createMemoryTokenStore(), options)).toThrow(message)
    expect(() =>
      createEncryptedTokenStore(createMemoryTokenStore(), { keys, nameSecret: nameSecret.slice(0, 32) }),
    ).not.toThrow()
  })
})

describe('createSealer', () => {
  it.each<[string, unknown, string]>([
    ['no ring', undefined, '`keys` takes at least one key.'],
    ['a ring that is a set', new Set(keys), '`keys` takes at least one key.'],
    ['no id', [{ secret }], '`keys.id` takes at most 64 letters, digits, - and _.'],
    ['an id that is a number', [{ id: 7, secret }], '`keys.id` takes at most'],
    ['an id with a space before it', [{ id: ' k', secret }], '`keys.id` takes at most'],
    ['an id with a space behind it', [{ id: 'k ', secret }], '`keys.id` takes at most'],
    ['no secret', [{ id: 'k' }], '`keys.secret` takes exactly 32 random bytes.'],
    ['a secret of 33 bytes', [{ id: 'k', secret: new Uint8Array(33) }], '`keys.secret` takes exactly 32'],
    ['a secret that is a list', [{ id: 'k', secret: Array.from(secret) }], '`keys.secret` takes exactly 32'],
    ['an unknown member', [{ id: 'k', secret, kid: 'x' }], 'A key of `keys` has no option `kid`.'],
    ['a key that is no object', ['k'], 'A key of `keys` must be an object.'],
    ['one id twice', [...keys, ...keys], '`keys` holds two keys with one `id`.'],
  ])('[D12] is not made of %s', (_name, ring, message) => {
    expect(() => createSealer(ring as never)).toThrow(message)
    expect(() => createSealer([{ id: 'k'.repeat(64), secret }])).not.toThrow()
  })

  it('[D12] seals with the first key, and opens with each, by its id alone', async () => {
    const other = { id: 'k-2', secret: new Uint8Array(32).fill(2) }
    const sealed = await createSealer([other, ...keys]).seal('text', 'place')
    expect(sealed).toMatch(/^v1\.k-2\.[\w-]{16}\.[\w-]+$/)
    expect(await createSealer([...keys, other]).open(sealed, 'place')).toBe('text')
    expect(await createSealer(keys).open(sealed, 'place')).toBeUndefined()
  })
})

describe('the encrypted token store', () => {
  it('[S1-40] takes entries of 46 KiB and no more, which the store under it takes as well', async () => {
    const inner = createMemoryTokenStore()
    const store = createEncryptedTokenStore(inner, { keys, nameSecret })
    const entry = entryOf('')
    const room = 47_104 - JSON.stringify(entry).length
    await store.set('user', { ...entry, tokens: 't'.repeat(room) })
    const tooLong = store.set('user', { ...entry, tokens: 't'.repeat(room + 1) })
    await expect(tooLong).rejects.toMatchObject({ detail: 'An entry has at most 47104 bytes.' })
    const replaced = store.replace('user', entry.version, { ...entry, tokens: 't'.repeat(room + 1) })
    await expect(replaced).rejects.toMatchObject({ detail: 'An entry has at most 47104 bytes.' })
  })

  it('[S2-43] [S1-42] lists by prefix, passes over damage, and hides no other failure', async () => {
    const inner = createMemoryTokenStore()
    const store = createEncryptedTokenStore(inner, { keys, nameSecret })
    for (const key of ['a:1', 'a:2', 'b:1']) await store.set(key, entryOf(key))
    await inner.set('damaged', entryOf('v1.k-1.AAAA.AAAA'))
    const listed = async (of: TokenStore, prefix?: string) => {
      const found: string[] = []
      for await (const key of of.keys(prefix)) found.push(key)
      return found.sort()
    }
    expect([await listed(store), await listed(store, 'a:')]).toEqual([
      ['a:1', 'a:2', 'b:1'],
      ['a:1', 'a:2'],
    ])
    const down: TokenStore = { ...inner, get: () => Promise.reject(new TypeError('down')) }
    await expect(listed(createEncryptedTokenStore(down, { keys, nameSecret }))).rejects.toThrow()
    expect(Object.isFrozen(store)).toBe(true)
  })

  it('[S1-48] passes over an entry that is gone when it is its turn to be rotated', async () => {
    const inner = createMemoryTokenStore()
    const keysOf = async function* () {
      yield 'gone'
    }
    const store = createEncryptedTokenStore({ ...inner, keys: keysOf }, { keys, nameSecret })
    expect(await store.rotate()).toEqual({ resealed: 0, kept: 1, damaged: 0 })
  })
})
