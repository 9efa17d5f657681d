import type { StoredTokens, TokenStore } from './contract.js'

/**
 * Hands what is kept under `key` to `work` and keeps no reference to it. Memory is not scrubbed: JavaScript cannot do that,
 * and `work` may keep what it got.
 *
 * @returns What `work` returns; `undefined` when nothing is kept, and `work` is not called.
 * @throws {@link TokenStoreError}, or what `work` throws.
 * @group Token stores
 */
export async function withToken<T>(
  store: TokenStore,
  key: string,
  work: (entry: StoredTokens) => T | Promise<T>,
): Promise<T | undefined> {
  const entry = await store.get(key)
  return entry === undefined ? undefined : work(entry)
}
