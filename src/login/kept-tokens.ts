/*
 * The tokens of one key as a store keeps them, and what this process knows of them. Does not refresh.
 */

import { canRefresh, expiresInSeconds } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import { parseTokenSet, serializeTokenSet } from '../client/token-set-text.js'
import { TokenStoreError } from '../errors/index.js'
import { type BoundedCache, createBoundedCache } from '../kit/bounded-cache.js'
import { type JsonObject, parseJsonObject } from '../kit/json.js'
import { createSingleFlight, type SingleFlight } from '../kit/single-flight.js'
import { withTimeLimit } from '../kit/time-limit.js'
import type { StoredTokens, TokenLifetime, TokenStore } from '../stores/contract.js'
import { storeFailure } from '../stores/token-entry.js'
import type { ReauthenticationReason } from './reauthentication-required-error.js'

/** An entry of a store, read. */
export interface KeptTokens {
  readonly tokens: TokenSet
  readonly version: string
  readonly account: StoredTokens['account']
  /** When the refresh token was sent last without an answer, in milliseconds. It may be spent. */
  readonly unansweredAtMs: number | undefined
}

/** What this process knows of one key. Shared by everything that uses the same store object. */
export interface KeyState {
  /** The newest tokens. */
  held: KeptTokens | undefined
  /** Set while `held` could not be written: the version it replaces. */
  unsavedOver: string | undefined
  /** Counts changes by this process: what was read or begun before one must not bring older tokens back. */
  generation: number
  /** Why there are none, once that was told. */
  ended: ReauthenticationReason | undefined
  /** Until when no refresh is begun in the background. */
  pausedUntilMs: number
}

/** What a process knows of the keys of one store, and what it does for them. */
export interface Keys {
  readonly flights: SingleFlight<TokenSet>
  readonly loads: SingleFlight<KeptTokens | undefined>
  state(key: string): KeyState
}

const maxKeys = 10_000
/** Longer than any store of ours takes; a store of the application's that hangs must not hold callers up. */
const storeTimeoutMs = 20_000
const ofStores = new WeakMap<TokenStore, Keys>()

/** The {@link Keys} of a store. */
export function keysOf(store: TokenStore): Keys {
  const known = ofStores.get(store) ?? createKeys()
  ofStores.set(store, known)
  return known
}

function createKeys(): Keys {
  const states: BoundedCache<KeyState> = createBoundedCache(maxKeys)
  return {
    flights: createSingleFlight(),
    loads: createSingleFlight(),
    state(key) {
      const known = states.get(key)
      if (known !== undefined) return known
      const fresh = { held: undefined, unsavedOver: undefined, generation: 0, ended: undefined, pausedUntilMs: 0 }
      states.set(key, fresh)
      return fresh
    },
  }
}

/** Calls a store; whatever goes wrong is a {@link TokenStoreError}. */
export async function askStore<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await withTimeLimit(storeTimeoutMs, call)
  } catch (error) {
    throw storeFailure(error)
  }
}

/** Reads what is kept. @throws {@link TokenStoreError} */
export async function readKept(store: TokenStore, key: string): Promise<KeptTokens | undefined> {
  const entry = await askStore(() => store.get(key))
  return entry && readEntry(entry)
}

function readEntry({ tokens: text, version, account }: StoredTokens): KeptTokens {
  try {
    const unansweredAt = parseJsonObject(text)?.['unansweredAtMs']
    const unansweredAtMs = typeof unansweredAt === 'number' ? unansweredAt : undefined
    return { tokens: parseTokenSet(text), version, account, unansweredAtMs }
  } catch {
    throw new TokenStoreError('ERR_TOKEN_STORE_CORRUPT', 'An entry holds no token set that this version can read.')
  }
}

/** Tokens under a new version. */
export function newVersion(kept: Omit<KeptTokens, 'version'>): KeptTokens {
  return { ...kept, version: crypto.randomUUID() }
}

/** The entry of {@link KeptTokens}, as a store takes it, and how long it is worth keeping. */
export function toEntry(
  { tokens, version, account, unansweredAtMs }: KeptTokens,
  nowMs: number,
): readonly [StoredTokens, TokenLifetime] {
  const text = serializeTokenSet(tokens)
  const marked = (): string => JSON.stringify({ ...(parseJsonObject(text) as JsonObject), unansweredAtMs })
  const entry = {
    v: 1,
    version,
    tokens: unansweredAtMs === undefined ? text : marked(),
    account,
    savedAt: Math.floor(nowMs / 1000),
  } as const
  return [entry, lifetimeOf(tokens, nowMs)]
}

/** As long as one of both tokens lives; a refresh token whose end is not known, as long as the store likes. */
function lifetimeOf(tokens: TokenSet, nowMs: number): TokenLifetime {
  const { refreshToken, refreshExpiresAt } = tokens
  if (refreshToken === undefined || refreshExpiresAt === undefined) return {}
  const accessMs = expiresInSeconds(tokens, { nowMs }) * 1000
  return { ttlMs: Math.max(1, accessMs, refreshExpiresAt * 1000 - nowMs) }
}

/** Why tokens cannot be renewed; `undefined` where they can. */
export function whyNotRenewable(tokens: TokenSet, nowMs: number): ReauthenticationReason | undefined {
  if (canRefresh(tokens, { nowMs })) return undefined
  return tokens.refreshToken === undefined ? 'no_refresh_token' : 'refresh_expired'
}
