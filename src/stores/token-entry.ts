import { TokenStoreError, type TokenStoreErrorCode } from '../errors/index.js'
import { failureCode } from '../kit/failure-code.js'
import { isJsonObject, type JsonObject, parseJsonObject } from '../kit/json.js'
import type { StoredTokens, TokenLifetime } from './contract.js'

const maxKeyLength = 512
const maxEntryBytes = 65_536
const maxVersionLength = 128
const loneSurrogate = /\p{Cs}/u

/** An entry with its key and the end of its life, as stores write it down. */
export interface TokenEnvelope {
  readonly key: string
  readonly entry: StoredTokens
  readonly expiresAtMs: number | undefined
}

function fail(code: 'CORRUPT' | 'CONFIGURATION' | 'UNAVAILABLE', detail: string): TokenStoreError {
  return new TokenStoreError(`ERR_TOKEN_STORE_${code}` satisfies TokenStoreErrorCode, detail)
}

/** The refusal of an entry that cannot be what was put under its key. */
export function damaged(detail: string): TokenStoreError {
  return fail('CORRUPT', detail)
}

/** Whether `error` says that an entry is {@link damaged}. */
function isDamage(error: unknown): boolean {
  return error instanceof TokenStoreError && error.code === 'ERR_TOKEN_STORE_CORRUPT'
}

/** What `reading` brings, or `otherwise` where it brings something {@link damaged}. */
export async function unlessDamaged<T, Otherwise = undefined>(
  reading: Promise<T>,
  otherwise?: Otherwise,
): Promise<T | Otherwise> {
  try {
    return await reading
  } catch (error) {
    if (isDamage(error)) return otherwise as Otherwise
    throw error
  }
}

/** @throws {@link TokenStoreError} for a key that is empty, too long or not well-formed text. */
export function checkTokenKey(key: string): void {
  if (typeof key === 'string' && key !== '' && key.length <= maxKeyLength && !loneSurrogate.test(key)) return
  throw fail('CONFIGURATION', `A key is text of 1 to ${maxKeyLength} characters.`)
}

/** @throws {@link TokenStoreError} for an entry of another shape, or one that is too large. */
export function checkTokenEntry(entry: StoredTokens, maxBytes = maxEntryBytes): void {
  if (!isStoredTokens(entry)) throw fail('CONFIGURATION', 'An entry needs `v`, `version`, `tokens` and `savedAt`.')
  if (new TextEncoder().encode(JSON.stringify(entry)).length <= maxBytes) return
  throw fail('CONFIGURATION', `An entry has at most ${maxBytes} bytes.`)
}

/**
 * When an entry kept at `nowMs` ends.
 *
 * @throws {@link TokenStoreError} for a `ttlMs` that is not a number.
 */
export function endOfLife(lifetime: TokenLifetime | undefined, nowMs: number): number | undefined {
  const ttlMs = lifetime?.ttlMs
  if (ttlMs === undefined) return undefined
  if (typeof ttlMs === 'number' && !Number.isNaN(ttlMs)) return Math.ceil(nowMs + ttlMs)
  throw fail('CONFIGURATION', '`ttlMs` takes a number.')
}

/** A frozen copy with the members of the contract and no other. */
export function copyEntry({ v, version, tokens, account, savedAt }: StoredTokens): StoredTokens {
  if (account === undefined) return Object.freeze({ v, version, tokens, savedAt })
  const { issuer, subject } = account
  return Object.freeze({ v, version, tokens, account: Object.freeze({ issuer, subject }), savedAt })
}

/** The text of an entry for a store that keeps text; {@link readEnvelope} is the way back. */
export function writeEnvelope({ key, entry, expiresAtMs }: TokenEnvelope): string {
  return JSON.stringify({ v: 1, key, expiresAtMs, entry: copyEntry(entry) })
}

/**
 * Reads what {@link writeEnvelope} wrote. With `key`, only for that key.
 *
 * @throws {@link TokenStoreError} `ERR_TOKEN_STORE_CORRUPT` for any other text.
 */
export function readEnvelope(text: string, key?: string): TokenEnvelope {
  const value = parseJsonObject(text)
  if (value === undefined || value['v'] !== 1) throw damaged('An entry is not in the format of this version.')
  const { key: ownKey, entry, expiresAtMs } = value as JsonObject & Partial<TokenEnvelope>
  const isWhole = typeof ownKey === 'string' && ['undefined', 'number'].includes(typeof expiresAtMs)
  if (!isWhole || !isStoredTokens(entry)) throw damaged('An entry is cut short or altered.')
  if (key !== undefined && ownKey !== key) throw damaged('An entry was put there for another key.')
  return { key: ownKey, entry: copyEntry(entry), expiresAtMs }
}

/** Whether the life of an entry is over. */
export function isOver({ expiresAtMs }: Pick<TokenEnvelope, 'expiresAtMs'>, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs
}

/** Does `work`, and lets nothing out but the error of the contract. */
export async function answer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeFailure(error)
  }
}

/** What a driver or the platform threw, as the error of the contract: its code alone, nothing of its message. */
export function storeFailure(error: unknown): TokenStoreError {
  return error instanceof TokenStoreError ? error : fail('UNAVAILABLE', `The store failed: ${failureCode(error)}.`)
}

function isStoredTokens(value: unknown): value is StoredTokens {
  if (!isJsonObject(value)) return false
  const { v, version, tokens, account, savedAt } = value
  const isNamed = typeof version === 'string' && version !== '' && version.length <= maxVersionLength
  const isFilled = typeof tokens === 'string' && Number.isFinite(savedAt)
  return v === 1 && isNamed && isFilled && (account === undefined || isAccount(account))
}

function isAccount(value: unknown): boolean {
  return isJsonObject(value) && typeof value['issuer'] === 'string' && typeof value['subject'] === 'string'
}
