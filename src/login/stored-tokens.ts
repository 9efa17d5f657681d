/*
 * Reads, replaces and takes the tokens of one key in a store. Does not refresh.
 */

import type { TokenStoreError } from '../errors/index.js'
import type { TokenStore } from '../stores/contract.js'
import { storeFailure } from '../stores/token-entry.js'
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

/** What was there before it was taken away, as far as it could be read, and why it could not be deleted. */
export interface TakenEntry {
  readonly kept: KeptTokens | undefined
  readonly failure: TokenStoreError | undefined
}

const takeTries = 5

/** Deletes what the server gave, and gives it. Never rejects. */
export async function takeKept(
  store: TokenStore,
  key: string,
  serverId: string | undefined,
  nowMs: number,
): Promise<TakenEntry> {
  let kept: KeptTokens | undefined
  try {
    for (let tries = 0; tries < takeTries; tries += 1) {
      const found = await insist(() => readKept(store, key, serverId))
      // A deletion that seemed to fail may have been heard.
      if (found === undefined) return { kept, failure: undefined }
      kept = found
      const isGone = await insist(() => replaceKept(store, key, found.version, undefined, nowMs))
      if (isGone) return { kept, failure: undefined }
    }
  } catch {
    // What cannot be read or replaced can be deleted all the same.
  }
  const failure = await askStore(store, () => store.delete(key)).then(() => undefined, storeFailure)
  return { kept, failure }
}
