import { randomUUID } from 'node:crypto'
import { createTokenStore, type TokenStoreSettings } from '../../src/native/index.js'

/** Writes entries of a growing number, as large as they may be, until it is killed. Prints each number once it is kept. */
const [settings = '', key = ''] = process.argv.slice(2)
const store = createTokenStore(JSON.parse(settings) as TokenStoreSettings)
for (let number = 1; ; number++) {
  const found = await store.get(key)
  const tokens = JSON.stringify({ number, filling: String(number % 10).repeat(40_000) })
  await store.replace(key, found?.version, { v: 1, version: randomUUID(), tokens, savedAt: 1_800_000_000 })
  console.log(number)
}
