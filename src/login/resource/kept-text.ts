/** Texts that a token store keeps beside tokens: registrations, and where a resource's tokens are from. */
import { isJsonObject, type JsonObject, parseJsonObject } from '../../kit/json.js'
import type { TokenStore } from '../../stores/contract.js'
import { askStore } from '../kept-tokens.js'

/** The object that is kept under `key`; `undefined` for nothing, and for what is no object. */
export async function readObject(store: TokenStore, key: string): Promise<JsonObject | undefined> {
  const entry = await askStore(store, () => store.get(key))
  const object = entry && parseJsonObject(entry.tokens)
  return isJsonObject(object) ? object : undefined
}

/** Keeps `object` under `key`, whatever was there. */
export async function keepObject(store: TokenStore, key: string, object: JsonObject, nowMs: number): Promise<void> {
  const savedAt = Math.floor(nowMs / 1000)
  const entry = { v: 1, version: crypto.randomUUID(), tokens: JSON.stringify(object), savedAt } as const
  await askStore(store, () => store.set(key, entry))
}
