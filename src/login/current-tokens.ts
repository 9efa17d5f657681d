/*
 * The tokens that serve now: the known ones, or those that a refresh brings, which callers of this process share.
 */
import { isOAuthClientError } from '../client/errors.js'
import { expiresInSeconds, isExpired, shouldRefresh } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import type { GetTokenOptions } from '../client/token-source.js'
import { TokenStoreError } from '../errors/index.js'
import { emit } from '../kit/event-sink.js'
import { unref } from '../kit/time-limit.js'
import type { KeptTokens } from './kept-tokens.js'
import { keysOf, memoryKeyOf } from './keys-of-store.js'
import { reauthenticationRequired } from './reauthentication-required-error.js'
import { createRefreshTokens, type RefreshSettings } from './refresh-tokens.js'
import type { TokenKeeper } from './token-keeper.js'

/** See {@link createCurrentTokens}. */
export interface CurrentTokens {
  /** A token that has not expired. Renews it where it must, and in the background where it soon must. */
  find(options: GetTokenOptions): Promise<TokenSet>
  isExpired(tokens: TokenSet): boolean
  /** Renews ahead of the end from now on, by one timer. */
  startTimer(): void
  /** Sets the timer anew, where there is one: there are other tokens. */
  resetTimer(): void
  stopTimer(): void
  /** Resolves when no refresh is under way. */
  settled(): Promise<void>
}

/** After a refresh that brought nothing new, how long the next one in the background waits. */
const pauseMs = 10_000
const timerRetryMs = 30_000
/** How often the timer looks whether another process signed in. */
const timerLookMs = 60_000
const shortestTimerMs = 1000
const timerCapMs = 3_600_000

/** Makes {@link CurrentTokens} over a keeper. */
export function createCurrentTokens(settings: RefreshSettings, keeper: TokenKeeper): CurrentTokens {
  const { provider, store, clock, skewSeconds, onEvent } = settings
  const { flights, redemptions } = keysOf(store)
  const memoryKey = memoryKeyOf(provider, settings.key)
  const renew = createRefreshTokens(settings, keeper)
  let timer: ReturnType<typeof setTimeout> | undefined
  let hasTimer = false

  const isOver = (tokens: TokenSet): boolean => isExpired(tokens, { nowMs: clock() })
  const isDue = (tokens: TokenSet): boolean => shouldRefresh(tokens, { nowMs: clock(), skewSeconds })

  async function flight(rejected: string | undefined): Promise<TokenSet> {
    try {
      const tokens = await renew(rejected)
      if (isDue(tokens)) pauseFor(pauseMs)
      return tokens
    } catch (error) {
      pauseFor(Math.max(pauseMs, (isOAuthClientError(error) && error.retryAfterMs) || 0))
      if (error instanceof TokenStoreError) {
        const { held } = keeper.state()
        const failedOpen = held !== undefined && !isOver(held.tokens)
        emit(onEvent, { type: 'store.failed', store: 'tokens', reason: error.code, failedOpen })
      }
      throw error
    }
  }

  function pauseFor(ms: number): void {
    keeper.state().pausedUntilMs = clock() + ms
  }

  async function fly(rejected: string | undefined): Promise<TokenSet> {
    for (;;) {
      const joined = flights.current(memoryKey)
      const tokens = await (joined ?? flights.run(memoryKey, () => flight(rejected)))
      if (joined === undefined || tokens.accessToken !== rejected) return tokens
    }
  }

  async function find({ forceRefresh, rejected, autoRefresh = true }: GetTokenOptions): Promise<TokenSet> {
    const known = keeper.state().held ?? (await keeper.load())
    if (known === undefined) throw keeper.end('no_tokens')
    const refused = rejected?.accessToken ?? (forceRefresh === true ? known.tokens.accessToken : undefined)
    if (serves(known, refused)) {
      renewAhead(known.tokens, autoRefresh)
      return known.tokens
    }
    return autoRefresh ? fly(refused) : lookAgain(refused)
  }

  function serves({ tokens }: KeptTokens, refused: string | undefined): boolean {
    return tokens.accessToken !== refused && !isOver(tokens)
  }

  function renewAhead(tokens: TokenSet, isWanted: boolean): void {
    if (isWanted && isDue(tokens) && clock() >= keeper.state().pausedUntilMs) fly(undefined).catch(() => {})
  }

  async function lookAgain(refused: string | undefined): Promise<TokenSet> {
    const kept = await keeper.load()
    if (kept !== undefined && serves(kept, refused)) return kept.tokens
    throw reauthenticationRequired(provider, 'expired')
  }

  function resetTimer(atLeastMs = shortestTimerMs): void {
    clearTimeout(timer)
    if (!hasTimer) return
    const tokens = keeper.state().held?.tokens
    const untilDueMs = tokens && (expiresInSeconds(tokens, { nowMs: clock() }) - skewSeconds) * 1000
    timer = setTimeout(watch, Math.min(timerCapMs, Math.max(atLeastMs, untilDueMs ?? timerLookMs)))
    unref(timer)
  }

  async function watch(): Promise<void> {
    try {
      const tokens = await find({})
      if (isDue(tokens)) await fly(undefined)
      resetTimer()
    } catch {
      resetTimer(timerRetryMs)
    }
  }

  return {
    find,
    isExpired: isOver,
    startTimer() {
      hasTimer = true
      resetTimer()
    },
    resetTimer: () => resetTimer(),
    stopTimer() {
      hasTimer = false
      clearTimeout(timer)
    },
    async settled() {
      await Promise.allSettled([flights.current(memoryKey)])
      await Promise.allSettled([redemptions.current(memoryKey)])
    },
  }
}
