/*
 * What this process knows of the tokens of one store, and how it calls it. Reads and writes no entry.
 */

import type { TokenSet } from '../client/token-set.js'
import { ConfigurationError, TokenStoreError } from '../errors/index.js'
import { createPinnedCache } from '../kit/pinned-cache.js'
import { createSingleFlight, type SingleFlight } from '../kit/single-flight.js'
import { pause, withTimeLimit } from '../kit/time-limit.js'
import type { TokenStore } from '../stores/contract.js'
import type { Holding } from '../stores/exclusively.js'
import { storeFailure } from '../stores/token-entry.js'
import type { KeptTokens } from './kept-tokens.js'
import type { ReauthenticationReason } from './reauthentication-required-error.js'
import type { TokenProvider } from './token-provider.js'

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

const pausesMs = [500, 1500]
const insistenceMs = 2000

/**
 * Asks a store again where it failed for a moment: three times within 2 s, once where that takes longer.
 *
 * @throws what `ask` rejected with the last time.
 */
export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      const isLate = performance.now() - startedMs >= insistenceMs
      const pauseMs = (error as TokenStoreError).retryable && !isLate ? pausesMs[tries] : undefined
      if (pauseMs === undefined) throw error
      await pause(pauseMs)
    }
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
