/*
 * Reads, replaces and takes the tokens of one key in a store. Does not refresh.
 */

import type { TokenStore } from '../stores/contract.js'
import { isForeign, type KeptTokens, readEntry, toEntry } from './kept-tokens.js'
import { askStore, insist } from './keys-of-store.js'

/** Reads what is kept, unless another server gave it: no provider gets the tokens of another. @throws {@link TokenStoreError} */
export async function readKept(
  store: TokenStore,
  key: string,
  serverId: string | undefined,
): Promise<KeptTokens | undefined> {
  const entry = await askStore(store, () => store.get(key))
  const kept = entry && readEntry(entry)
  return kept === undefined || isForeign(kept, serverId) ? undefined : kept
}

/** Puts `next` in the place of `version`, or deletes. @throws {@link TokenStoreError} */
export function replaceKept(
  store: TokenStore,
  key: string,
  version: string,
  next: KeptTokens | undefined,
  nowMs: number,
): Promise<boolean> {
  const [entry, lifetime] = next === undefined ? [undefined, undefined] : toEntry(next, nowMs)
  return askStore(store, () => store.replace(key, version, entry, lifetime))
}

const takeTries = 5

/** Deletes what the server gave, and gives it. @throws {@link TokenStoreError} */
export async function takeKept(
  store: TokenStore,
  key: string,
  serverId: string | undefined,
  nowMs: number,
): Promise<KeptTokens | undefined> {
  let last: KeptTokens | undefined
  for (let tries = 0; tries < takeTries; tries += 1) {
    const kept = await insist(() => readKept(store, key, serverId))
    // A deletion that seemed to fail may have been heard.
    if (kept === undefined) return last
    if (await insist(() => replaceKept(store, key, kept.version, undefined, nowMs))) return kept
    last = kept
  }
  await askStore(store, () => store.delete(key))
  return undefined
}
