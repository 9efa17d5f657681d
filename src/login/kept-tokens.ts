/*
 * The tokens of one key as a store keeps them, and what this process knows of them. Does not refresh.
 */

import { canRefresh, expiresInSeconds } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import { parseTokenSet, serializeTokenSet } from '../client/token-set-text.js'
import { ConfigurationError, TokenStoreError } from '../errors/index.js'
import { type JsonObject, parseJsonObject } from '../kit/json.js'
import { createPinnedCache } from '../kit/pinned-cache.js'
import { createSingleFlight, type SingleFlight } from '../kit/single-flight.js'
import { withTimeLimit } from '../kit/time-limit.js'
import type { StoredTokens, TokenLifetime, TokenStore } from '../stores/contract.js'
import type { Holding } from '../stores/exclusively.js'
import { storeFailure } from '../stores/token-entry.js'
import type { ReauthenticationReason } from './reauthentication-required-error.js'
import type { TokenProvider } from './token-provider.js'

/** An entry of a store, read. */
export interface KeptTokens {
  readonly tokens: TokenSet
  readonly version: string
  readonly account: StoredTokens['account']
  /** The server that gave them; see {@link TokenProvider.serverId}. */
  readonly serverId: string | undefined
  /** The refresh token was sent, and no answer is known: it may be spent. */
  readonly sent: Sent | undefined
}

/** How a refresh token was sent. */
export interface Sent {
  /** When, or when the answer was given up. In milliseconds. */
  readonly atMs: number
  /** How long from then on whoever sent it may get the answer and write it. `undefined` once that was given up. */
  readonly withinMs: number | undefined
}

/** What this process knows of the tokens of one server under one key. Shared by everything that uses the same store object. */
export interface KeyState {
  /** The newest tokens. */
  held: KeptTokens | undefined
  /** Set while `held` could not be written: what it replaces. */
  unsaved: Replaced | undefined
  /** The lease under which it is written later: no other process sends a refresh token that is spent. */
  guard: Holding | undefined
  /** Counts changes by this process: what was read or begun before one must not bring older tokens back. */
  generation: number
  /** Why there are none, once that was told. */
  ended: ReauthenticationReason | undefined
  /** Until when no refresh is begun in the background. */
  pausedUntilMs: number
}

/** Entries whose tokens are spent. */
export interface Replaced {
  readonly version: string
  /** What they hold, whatever the version: a write that seemed to fail may be heard later. */
  readonly spent: readonly string[]
}

/** What a process knows of the keys of one store, and what it does for them. Forgets no key while it does something for it. */
export interface Keys {
  /** How long one call of the store is waited for. */
  readonly limitMs: number
  readonly flights: SingleFlight<TokenSet>
  /** Refresh tokens that were sent. They outlast the patience of callers, and their flights. */
  readonly redemptions: SingleFlight<TokenSet>
  readonly loads: SingleFlight<KeptTokens | undefined>
  state(memoryKey: string): KeyState
  /** Runs work that needs the state of a key to be the same at its end. */
  during<T>(memoryKey: string, work: () => Promise<T>): Promise<T>
  /** Has tokens of a key written that the store did not take; the state of the key is the same until they are, or no use. */
  save(memoryKey: string, work: () => Promise<void>): Promise<void>
  /** @throws {@link TokenStoreError} where no tokens of a further key can wait until the store takes them. */
  requireRoom(): void
}

const maxKeys = 10_000
/** A store that hangs must not hold callers up; one that says how long it takes gives up by itself. */
const storeTimeoutMs = 20_000
const maxStoreTimeoutMs = 3_600_000
const spareMs = 1000
const ofStores = new WeakMap<TokenStore, Keys>()

/**
 * The {@link Keys} of a store. The first call for it says how many it remembers.
 *
 * @throws {@link ConfigurationError} for a store that describes itself with a `timeoutMs` that cannot be.
 */
export function keysOf(store: TokenStore, max = maxKeys): Keys {
  const known = ofStores.get(store) ?? createKeys(limitOf(store), max)
  ofStores.set(store, known)
  return known
}

function limitOf(store: TokenStore): number {
  const { timeoutMs = 0 } = store.describe()
  const isTime = Number.isFinite(timeoutMs) && timeoutMs >= 0 && timeoutMs <= maxStoreTimeoutMs
  if (isTime) return Math.max(storeTimeoutMs, timeoutMs + spareMs)
  throw new ConfigurationError(`\`store\` describes itself with a \`timeoutMs\` that is not 0 to ${maxStoreTimeoutMs}.`)
}

function createKeys(limitMs: number, max: number): Keys {
  const nothing = { held: undefined, unsaved: undefined, guard: undefined, ended: undefined }
  const states = createPinnedCache<KeyState>(max, () => ({ ...nothing, generation: 0, pausedUntilMs: 0 }))
  const saving = new Set<() => Promise<void>>()

  function createFlights<T>(): SingleFlight<T> {
    const flights = createSingleFlight<T>()
    return { ...flights, run: (key, work) => flights.run(key, () => states.during(key, work)) }
  }

  function save(key: string, work: () => Promise<void>): Promise<void> {
    saving.add(work)
    return states.during(key, work).finally(() => saving.delete(work))
  }

  function requireRoom(): void {
    if (saving.size < max) return
    const detail = 'The tokens of too many users wait to be written: the store takes none.'
    throw new TokenStoreError('ERR_TOKEN_STORE_UNAVAILABLE', detail)
  }

  return {
    ...{ limitMs, save, requireRoom },
    flights: createFlights(),
    redemptions: createFlights(),
    loads: createFlights(),
    state: states.get,
    during: states.during,
  }
}

/** Calls a store, for as long as it says it may take; whatever goes wrong is a {@link TokenStoreError}. */
export async function askStore<T>(store: TokenStore, call: () => Promise<T>): Promise<T> {
  try {
    return await withTimeLimit(keysOf(store).limitMs, call)
  } catch (error) {
    throw storeFailure(error)
  }
}

/** The server whose tokens a provider gives and sends. */
export function serverIdOf({ serverId, issuer }: Pick<TokenProvider, 'serverId' | 'issuer'>): string | undefined {
  return serverId ?? issuer
}

/** What this process knows the tokens of one server under one key by. */
export function memoryKeyOf(server: Pick<TokenProvider, 'serverId' | 'issuer'>, key: string): string {
  return `${serverIdOf(server)}\n${key}`
}

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

/** Whether another server gave what is kept. */
export function isForeign(kept: Pick<KeptTokens, 'serverId'>, serverId: string | undefined): boolean {
  return kept.serverId !== undefined && serverId !== undefined && kept.serverId !== serverId
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
  for (let tries = 0; tries < takeTries; tries += 1) {
    const kept = await readKept(store, key, serverId)
    if (kept === undefined || (await replaceKept(store, key, kept.version, undefined, nowMs))) return kept
  }
  await askStore(store, () => store.delete(key))
  return undefined
}

function readEntry({ tokens: text, version, account }: StoredTokens): KeptTokens {
  try {
    const members = parseJsonObject(text) as JsonObject
    const { serverId = account?.issuer } = members
    const isKnown = serverId === undefined || typeof serverId === 'string'
    if (isKnown) return { tokens: parseTokenSet(text), version, account, serverId, sent: readSent(members) }
  } catch {
    // Told below.
  }
  throw new TokenStoreError('ERR_TOKEN_STORE_CORRUPT', 'An entry holds no token set that this version can read.')
}

function readSent({ unansweredAtMs: atMs, answerWithinMs: withinMs }: JsonObject): Sent | undefined {
  if (typeof atMs !== 'number') return undefined
  return { atMs, withinMs: typeof withinMs === 'number' ? withinMs : undefined }
}

/** Tokens under a new version. */
export function newVersion(kept: Omit<KeptTokens, 'version'>): KeptTokens {
  return { ...kept, version: crypto.randomUUID() }
}

/** The entry of {@link KeptTokens}, as a store takes it, and how long it is worth keeping. */
export function toEntry(
  { tokens, version, account, serverId, sent }: KeptTokens,
  nowMs: number,
): readonly [StoredTokens, TokenLifetime] {
  const members = parseJsonObject(serializeTokenSet(tokens)) as JsonObject
  const marks = { serverId, unansweredAtMs: sent?.atMs, answerWithinMs: sent?.withinMs }
  const entry = {
    v: 1,
    version,
    tokens: JSON.stringify({ ...members, ...marks }),
    account,
    savedAt: Math.floor(nowMs / 1000),
  } as const
  return [entry, lifetimeOf(tokens, nowMs)]
}

/** A refresh token may be under way when it ends, and what it was exchanged for may wait for the store to take it. */
const marginMs = 3_600_000

/** An hour longer than both tokens live; where the end of the refresh token is not known, as long as the store likes. */
function lifetimeOf(tokens: TokenSet, nowMs: number): TokenLifetime {
  const { refreshToken, refreshExpiresAt } = tokens
  if (refreshToken === undefined || refreshExpiresAt === undefined) return {}
  const accessMs = expiresInSeconds(tokens, { nowMs }) * 1000
  return { ttlMs: Math.max(0, accessMs, refreshExpiresAt * 1000 - nowMs) + marginMs }
}

/** Why tokens cannot be renewed; `undefined` where they can. */
export function whyNotRenewable(tokens: TokenSet, nowMs: number): ReauthenticationReason | undefined {
  if (canRefresh(tokens, { nowMs })) return undefined
  return tokens.refreshToken === undefined ? 'no_refresh_token' : 'refresh_expired'
}
