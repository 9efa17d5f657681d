import type { StoredTokens, TokenStore } from './contract.js'
import { answer, damaged } from './token-entry.js'

/**
 * Whether a store works: writes an entry under a key of its own, reads it back, deletes it.
 *
 * @throws {@link TokenStoreError} where any of that fails.
 */
export async function probeTokenStore(store: TokenStore): Promise<void> {
  const key = `portcullis-probe:${crypto.randomUUID()}`
  const entry: StoredTokens = { v: 1, version: crypto.randomUUID(), tokens: 'probe', savedAt: 0 }
  await answer(async () => {
    await store.set(key, entry, { ttlMs: 60_000 })
    const found = await store.get(key)
    if (found?.version !== entry.version) throw damaged('An entry just written does not come back.')
    await store.delete(key)
  })
}
