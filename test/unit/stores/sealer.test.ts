import { createMemoryGrantStore } from 'portcullis'
import { createRedisGrantStore, createRedisLockStore, type SealKey } from 'portcullis/redis'
import { describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'
import { createSealer } from '../../../src/stores/sealer.js'

const key = (id: string, fill = 1): SealKey => ({ id, secret: new Uint8Array(32).fill(fill) })

describe('createSealer', () => {
  it('[D12] seals one text differently each time, and opens each', async () => {
    const sealer = createSealer([key('k1')])
    const texts = await Promise.all(Array.from({ length: 20 }, () => sealer.seal('text', 'place')))
    expect(new Set(texts).size).toBe(20)
    for (const text of texts) expect(await sealer.open(text, 'place')).toBe('text')
    expect(await sealer.open(texts[0] ?? '', 'other place')).toBeUndefined()
  })

  it('[D12] opens nothing with another nonce than one of 12 bytes, nor with parts too many or not canonical', async () => {
    const sealer = createSealer([key('k1')])
    const [version, id, nonce = '', ciphertext = ''] = (await sealer.seal('text', 'place')).split('.')
    const sealedWith = (...parts: unknown[]) => sealer.open(parts.join('.'), 'place')
    expect(await sealedWith(version, id, nonce, ciphertext)).toBe('text')
    for (const other of ['', nonce.slice(0, -1), nonce.slice(0, -4), `${nonce}AAAA`, `${nonce.slice(0, -1)}=`]) {
      expect(await sealedWith(version, id, other, ciphertext)).toBeUndefined()
    }
    expect(await sealedWith('v2', id, nonce, ciphertext)).toBeUndefined()
    expect(await sealedWith(version, 'k2', nonce, ciphertext)).toBeUndefined()
    expect(await sealedWith(version, id, nonce, ciphertext, '')).toBeUndefined()
    expect(await sealedWith(version, id, nonce, `${ciphertext}=`)).toBeUndefined()
    expect(await sealedWith(version, id, nonce)).toBeUndefined()
  })

  it('[D12] keeps a copy of the keys', async () => {
    const secret = new Uint8Array(32).fill(1)
    const sealer = createSealer([{ id: 'k1', secret }])
    const sealed = await sealer.seal('text', 'place')
    secret.fill(0)
    expect(await sealer.open(await sealer.seal('more', 'place'), 'place')).toBe('more')
    expect(await createSealer([key('k1')]).open(sealed, 'place')).toBe('text')
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty ring', []],
    ['a key without an id', [{ secret: new Uint8Array(32) }]],
    ['an id with a dot', [key('k.1')]],
    ['a very long id', [key('k'.repeat(65))]],
    ['a secret that is text', [{ id: 'k1', secret: 'x'.repeat(32) }]],
    ['a short secret', [{ id: 'k1', secret: new Uint8Array(16) }]],
    ['a hole', [undefined]],
    ['an id twice', [key('k1'), key('k1', 2)]],
  ])('[D12] refuses %s, without showing a secret', (_name, keys) => {
    const client = { call: async () => 'OK' }
    expect(() => createRedisGrantStore({ client, keys: keys as SealKey[] })).toThrow(ConfigurationError)
    expect(() => createRedisGrantStore({ client, keys: keys as SealKey[] })).not.toThrow(/xxx/)
  })

  it('[D12] says what a key has to be', () => {
    const messageOf = (ring: readonly SealKey[]) => {
      try {
        createSealer(ring)
        return 'none'
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(messageOf([key('k.1')])).toContain('`keys.id` takes at most 64 letters, digits, - and _.')
    expect(messageOf([{ id: 'k1', secret: new Uint8Array(16) }])).toContain(
      '`keys.secret` takes exactly 32 random bytes.',
    )
  })
})

describe('createRedisGrantStore', () => {
  it('[TX-12] counts what is no exchanged token as absent', async () => {
    const place = 'portcullis:grant:key'
    const members = ['accessToken', 'tokenType', 'expiresAt', 'scope', 'issuedTokenType']
    const without = members.map((name) =>
      JSON.stringify(Object.fromEntries(members.filter((other) => other !== name).map((other) => [other, 'x']))),
    )
    for (const text of ['[]', 'null', '{', ...without]) {
      const sealed = await createSealer([key('k1')]).seal(text, place)
      const store = createRedisGrantStore({ client: { call: async () => Buffer.from(sealed) }, keys: [key('k1')] })
      expect(await store.get('key')).toBeUndefined()
    }
    for (const answer of [null, undefined]) {
      const store = createRedisGrantStore({ client: { call: async () => answer }, keys: [key('k1')] })
      expect(await store.get('key')).toBeUndefined()
    }
  })
})

describe('createRedisLockStore', () => {
  it('[D01] sends one atomic command each, and extends and gives back by value', async () => {
    const call = vi.fn(async (..._command: string[]) => 'OK')
    const lease = await createRedisLockStore({ client: { call }, prefix: 'p:' }).acquire('key', 10.2)
    expect(await lease?.extend(20.2)).toBe(false)
    await lease?.release()
    const [[...acquired] = [], [...extended] = [], [...released] = []] = call.mock.calls
    expect(acquired).toEqual(['SET', 'p:key', expect.stringMatching(/^[\da-f-]{36}$/), 'NX', 'PX', '11'])
    expect([extended[0], ...extended.slice(3)]).toEqual(['EVAL', 'p:key', acquired[2], '21'])
    expect([released[0], ...released.slice(3)]).toEqual(['EVAL', 'p:key', acquired[2]])
    call.mockResolvedValueOnce('OK').mockResolvedValueOnce('1')
    expect(await (await createRedisLockStore({ client: { call } }).acquire('key', 1))?.extend(1)).toBe(true)
  })

  it.each(['QUEUED', undefined])('[D01] trusts no odd answer: %j', async (answer) => {
    const store = createRedisLockStore({ client: { call: async () => answer } })
    await expect(store.acquire('key', 10)).rejects.toThrow('unexpected answer')
  })
})

describe('createMemoryGrantStore', () => {
  const grant = { accessToken: 'a', tokenType: 'Bearer', expiresAt: 1, scope: [], issuedTokenType: 'x' } as const

  it('[TX-12] holds a bounded number of tokens, of which the least recently used go first', () => {
    const store = createMemoryGrantStore({ maxEntries: 2 })
    for (const name of ['a', 'b']) store.set(name, grant, 60_000)
    store.get('a')
    store.set('c', grant, 60_000)
    expect([store.get('a'), store.get('b'), store.get('c')]).toEqual([grant, undefined, grant])
  })

  it.each([0, -1, 1.5, Number.NaN, 10_000_001])('refuses maxEntries = %d', (maxEntries) => {
    expect(() => createMemoryGrantStore({ maxEntries })).toThrow(ConfigurationError)
  })
})
