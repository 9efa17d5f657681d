/** Texts that a token store keeps beside tokens: registrations, and where a resource's tokens are from. */
import { type JsonObject, parseJsonObject } from '../../kit/json.js'
import type { StoredTokens, TokenStore } from '../../stores/contract.js'
import { askStore } from '../keys-of-store.js'

/** What is kept under a key. */
export interface KeptObject {
  /** `undefined` for nothing, and for what is no object. */
  readonly object: JsonObject | undefined
  /** Of the entry, whatever it holds; `undefined` for nothing. */
  readonly version: string | undefined
}

/** Reads what is kept under `key`. @throws {@link TokenStoreError} */
export async function readObject(store: TokenStore, key: string): Promise<KeptObject> {
  const entry = await askStore(store, () => store.get(key))
  return { object: entry && parseJsonObject(entry.tokens), version: entry?.version }
}

/** Keeps `object` under `key`, whatever was there. @throws {@link TokenStoreError} */
export async function keepObject(store: TokenStore, key: string, object: JsonObject, nowMs: number): Promise<void> {
  await askStore(store, () => store.set(key, toEntry(object, nowMs)))
}

/** Keeps `object` where nothing has changed since `version` was read. @throws {@link TokenStoreError} */
export async function replaceObject(
  store: TokenStore,
  key: string,
  version: string | undefined,
  object: JsonObject,
  nowMs: number,
): Promise<boolean> {
  return askStore(store, () => store.replace(key, version, toEntry(object, nowMs)))
}

function toEntry(object: JsonObject, nowMs: number): StoredTokens {
  const savedAt = Math.floor(nowMs / 1000)
  return { v: 1, version: crypto.randomUUID(), tokens: JSON.stringify(object), savedAt }
}
