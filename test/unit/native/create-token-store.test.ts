import { readdirSync } from 'node:fs'
import { createTokenStore, type TokenStoreSettings } from 'portcullis/native'
import { describe, expect, it } from 'vitest'
import { entryOf } from '../../stores/token-store-contract.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const entry = entryOf('tokens')
const sealing = { keys: [{ id: 'k', secret: new Uint8Array(32) }], nameSecret: new Uint8Array(32) }

describe('createTokenStore', () => {
  it('[S1-49] [S2-51] makes each kind of store, each time a new one', async () => {
    const directory = await temporaryFolder()
    const client = { call: async () => null }
    const all: TokenStoreSettings[] = [
      { kind: 'memory' },
      { kind: 'file', directory },
      { kind: 'encrypted', directory, ...sealing },
      { kind: 'keyring' },
      { kind: 'sops', directory },
      { kind: 'redis', client, ...sealing },
    ]
    expect(all.map((settings) => createTokenStore(settings).describe().kind)).toEqual(all.map(({ kind }) => kind))
    const [first, second] = [createTokenStore({ kind: 'memory' }), createTokenStore({ kind: 'memory' })]
    await first.set('user', entry)
    expect(await second.has('user')).toBe(false)
  })

  it('[S1-49] keeps encrypted files in the folder that was given', async () => {
    const directory = await temporaryFolder()
    const store = createTokenStore({ kind: 'encrypted', directory, ...sealing })
    await store.set('user', entry)
    expect(await store.get('user')).toMatchObject({ tokens: entry.tokens })
    expect(readdirSync(directory)).not.toHaveLength(0)
  })

  it.each([
    [undefined, 'memory, file, encrypted, keyring, sops, redis'],
    [{}, 'memory, file, encrypted, keyring, sops, redis'],
    [{ kind: 'constructor' }, 'memory, file, encrypted, keyring, sops, redis'],
    [{ kind: 'memory', directory: '/tmp' }, '`directory`'],
  ])('refuses an unknown kind, and options of another one: %j', (settings, words) => {
    const make = () => createTokenStore(settings as TokenStoreSettings)
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION' }))
    expect(make).toThrow(words)
  })
})
