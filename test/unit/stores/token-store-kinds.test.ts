import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createEncryptedTokenStore, createMemoryTokenStore } from 'portcullis/login'
import { createFileTokenStore } from 'portcullis/native'
import { sha256Base64url } from '#crypto'
import type { StoredTokens, TokenStore } from '../../../src/stores/contract.js'
import { createEntrySealer } from '../../../src/stores/encrypted/entry-sealer.js'
import { describeTokenStore } from '../../stores/token-store-contract.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const secret = new Uint8Array(32).fill(5)
const sealing = { keys: [{ id: 'k', secret }], nameSecret: secret }

function turnedClock() {
  let offsetMs = 0
  return {
    clock: () => Date.now() + offsetMs,
    pass(ms: number) {
      offsetMs += ms
    },
  }
}

/** What somebody can do who writes to the store under an encrypted one. */
function behind(inner: TokenStore) {
  const { nameOf } = createEntrySealer(inner.describe().kind, sealing)
  async function outerOf(key: string): Promise<StoredTokens> {
    return (await inner.get(await nameOf(key))) as StoredTokens
  }
  return {
    async damage(key: string) {
      const outer = await outerOf(key)
      await inner.set(await nameOf(key), { ...outer, tokens: `${outer.tokens.slice(0, -8)}AAAAAAAA` })
    },
    swap: async (from: string, to: string) => inner.set(await nameOf(to), await outerOf(from)),
  }
}

describeTokenStore('memory', async () => {
  const { clock, pass } = turnedClock()
  return { store: createMemoryTokenStore({ clock }), pass }
})

describeTokenStore('an encrypted memory store', async () => {
  const { clock, pass } = turnedClock()
  const inner = createMemoryTokenStore({ clock })
  return { store: createEncryptedTokenStore(inner, { ...sealing, clock }), pass, ...behind(inner) }
})

describeTokenStore('files', async () => {
  const { clock, pass } = turnedClock()
  const directory = await temporaryFolder()
  const fileOf = async (key: string) => join(directory, `${await sha256Base64url(key)}.token.json`)
  return {
    store: createFileTokenStore({ directory, clock }),
    pass,
    damage: async (key) => writeFile(await fileOf(key), '{"v":1,"key":"'),
    swap: async (from, to) => rename(await fileOf(from), await fileOf(to)),
  }
})

describeTokenStore('encrypted files', async () => {
  const { clock, pass } = turnedClock()
  const directory = await temporaryFolder()
  const files = createFileTokenStore({ directory, clock })
  return {
    store: createEncryptedTokenStore(files, { ...sealing, clock }),
    pass,
    ...behind(files),
  }
})
