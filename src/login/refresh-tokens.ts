/*
 * The refresh protocol: of all processes that share a store, one at a time redeems a refresh token, once, and keeps the
 * answer before anybody gets it. `docs/user-tokens.md` has it step by step.
 */
import { sha256Base64url } from '#crypto'
import { isOAuthClientError, NetworkError, OAuthClientError } from '../client/errors.js'
import { isExpired, shouldRefresh } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import { TokenStoreError } from '../errors/index.js'
import { systemClock } from '../kit/clock.js'
import { emit } from '../kit/event-sink.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { pause } from '../kit/time-limit.js'
import type { LockStore } from '../stores/contract.js'
import { createExclusively, type Holding } from '../stores/exclusively.js'
import { storeFailure } from '../stores/token-entry.js'
import { type KeptTokens, whyNotRenewable } from './kept-tokens.js'
import { keysOf, memoryKeyOf } from './keys-of-store.js'
import type { ReauthenticationReason } from './reauthentication-required-error.js'
import { endings, maySpend } from './refresh-failures.js'
import { createRefreshSender, longestAnswerMs, overtimeMs, type SenderSettings } from './send-refresh-token.js'
import type { ClaimedTokens } from './sent-tokens.js'
import { rememberSuccessor, successorOf } from './successors.js'
import type { KeeperSettings, TokenKeeper } from './token-keeper.js'

/** What a refresh takes. */
export interface RefreshSettings extends KeeperSettings, SenderSettings {
  /** `undefined` where no other process shares the store. */
  readonly lock: LockStore | undefined
  readonly skewSeconds: number
  readonly ambiguousRetryMs: number
}

/** Gives tokens that need no refresh for a while, and are not those with the access token `rejected`. */
export type RefreshTokens = (rejected: string | undefined) => Promise<TokenSet>

/** A little longer than the pauses in which an answer is written that the store did not take. */
const lateWriteMs = 6000

/**
 * Makes {@link RefreshTokens} for one key.
 *
 * @throws from the returned function: {@link ReauthenticationRequiredError}, {@link TokenStoreError}, or what the provider
 * rejects with.
 */
export function createRefreshTokens(settings: RefreshSettings, keeper: TokenKeeper): RefreshTokens {
  const { provider, store, lock, clock, skewSeconds, refreshTimeoutMs, ambiguousRetryMs, onEvent } = settings
  const { redemptions, limitMs, requireRoom } = keysOf(store)
  const memoryKey = memoryKeyOf(provider, settings.key)
  const sender = createRefreshSender(settings)
  // Also a store that is slow to take the note leaves the server the time that callers have.
  const longestMs = Math.max(longestAnswerMs, limitMs + refreshTimeoutMs)
  const worksUnlocked = provider.rotatesRefreshTokens === false
  const exclusively = createExclusively({ lock, store: 'tokens', worksUnlocked, onEvent })
  const lockKey = sha256Base64url(settings.key)
  const about = { operation: 'refresh', issuer: provider.issuer }

  const isExpiredNow = (tokens: TokenSet): boolean => isExpired(tokens, { nowMs: clock() })
  const isFresh = (tokens: TokenSet, rejected: string | undefined): boolean =>
    tokens.accessToken !== rejected && !shouldRefresh(tokens, { nowMs: clock(), skewSeconds })

  /** Throws where another attempt would come too early; gives what serves meanwhile. */
  function afterSilence({ tokens, sent }: KeptTokens, rejected: string | undefined): TokenSet | undefined {
    if (sent === undefined) return undefined
    if (!isExpiredNow(tokens) && tokens.accessToken !== rejected) return tokens
    const waitMs = Math.max(sent.withinMs ?? 0, ambiguousRetryMs)
    const passedMs = clock() - sent.atMs
    // The clock of another machine may be a little ahead. One that is far behind was set back.
    if (Math.abs(passedMs) >= waitMs) return undefined
    throw new NetworkError('ERR_NETWORK', { ...about, retryAfterMs: waitMs - Math.max(0, passedMs) })
  }

  /** The newest tokens that come of these, as far as this process knows. */
  async function follow(tokens: TokenSet): Promise<TokenSet> {
    const successor = await successorOf(settings, tokens)
    if (successor === 'ended') throw keeper.end('logged_out')
    return successor === undefined ? tokens : follow(successor)
  }

  async function work(
    kept: KeptTokens,
    rejected: string | undefined,
    holding: Holding,
    generation: number,
  ): Promise<TokenSet> {
    const serving = afterSilence(kept, rejected)
    if (serving !== undefined) return serving
    const newest = await follow(kept.tokens)
    if (newest !== kept.tokens && isFresh(newest, rejected)) return keep(kept, newest, holding, generation)
    const reason = whyNotRenewable(newest, clock())
    if (reason !== undefined) throw keeper.end(reason)
    // Whoever sent it is late. Where the store was away for that time, they write their answer now.
    if (kept.sent?.withinMs !== undefined) await pause(lateWriteMs)
    // The process may have slept since it got the lease.
    if (!(await holding.confirm())) throw locked('The hold on the tokens was lost before they were renewed.')
    return claimAndRedeem(kept, newest, rejected, holding, generation)
  }

  async function claimAndRedeem(
    kept: KeptTokens,
    newest: TokenSet,
    rejected: string | undefined,
    holding: Holding,
    generation: number,
  ): Promise<TokenSet> {
    const [startedMs, startedAt] = [performance.now(), systemClock()]
    const claimed = await claim(kept, rejected, generation)
    if (claimed === undefined) return usable((await keeper.load())?.tokens, rejected)
    // A machine that sleeps stops one of both clocks.
    const leftMs = longestMs - Math.max(performance.now() - startedMs, systemClock() - startedAt)
    if (leftMs >= refreshTimeoutMs) return redeem(claimed, newest, holding, leftMs)
    await keeper.mark(claimed.kept, 'unspent')
    throw locked('The process stood still before the tokens were renewed.')
  }

  /** Writes down that the refresh token is sent, where another process could send it too. */
  async function claim(
    kept: KeptTokens,
    rejected: string | undefined,
    generation: number,
  ): Promise<ClaimedTokens | undefined> {
    const unclaimed = { kept, generation }
    if (keeper.state().unsaved === undefined) requireRoom()
    if (lock === undefined || worksUnlocked || keeper.state().unsaved !== undefined) return unclaimed
    try {
      return await keeper.claim(kept, longestMs + overtimeMs, generation)
    } catch (error) {
      // A store that takes nothing would not take the answer either: that is risked only for users who have nothing left.
      if (!isExpiredNow(kept.tokens) && kept.tokens.accessToken !== rejected) throw error
      return unclaimed
    }
  }

  /** Waits for the answer for as long as it may come, and lets callers go before. */
  async function redeem(
    claimed: ClaimedTokens,
    previous: TokenSet,
    holding: Holding,
    leftMs: number,
  ): Promise<TokenSet> {
    const startedMs = performance.now()
    const answered = sender.ask(previous, leftMs)
    const redemption = redemptions.run(memoryKey, () =>
      holding.during(async () => settle(claimed, previous, await answered, holding, performance.now() - startedMs)),
    )
    redemption.catch(() => undefined)
    await sender.inPatience(answered)
    return redemption
  }

  async function settle(
    { kept, generation }: ClaimedTokens,
    previous: TokenSet,
    next: TokenSet | OAuthClientError,
    holding: Holding,
    durationMs: number,
  ): Promise<TokenSet> {
    if (next instanceof OAuthClientError) {
      emit(onEvent, { type: 'tokens.refresh_failed', provider: provider.name, code: next.code, durationMs })
      return afterFailure(kept, next, holding)
    }
    emit(onEvent, { type: 'tokens.refreshed', provider: provider.name, durationMs })
    const result = await keep(kept, next, holding, generation)
    if (result === next && next.refreshToken !== previous.refreshToken) {
      await rememberSuccessor(settings, previous, next)
    }
    return result
  }

  async function afterFailure(kept: KeptTokens, error: OAuthClientError, holding: Holding): Promise<TokenSet> {
    const reason = endings.get(error.code)
    if (reason !== undefined) return afterRefusal(kept, reason, holding)
    if (maySpend(error)) await keeper.mark(kept, 'gaveUp')
    else if (kept.sent !== undefined) await keeper.mark(kept, 'unspent')
    throw error
  }

  /** Another process may have renewed the tokens: theirs are used, and never deleted. */
  async function afterRefusal(kept: KeptTokens, reason: ReauthenticationReason, { alone }: Holding): Promise<TokenSet> {
    const now = await keeper.load()
    if (now?.version !== kept.version) return usable(now?.tokens)
    if (alone.aborted) throw locked('The hold on the tokens was lost while they were renewed.')
    if (!(await keeper.drop(kept))) return usable((await keeper.load())?.tokens)
    throw keeper.end(reason)
  }

  /** Keeps tokens before anybody gets them. */
  async function keep(kept: KeptTokens, next: TokenSet, holding: Holding, generation: number): Promise<TokenSet> {
    const now = await keeper.swap(kept, next, generation)
    keeper.saveLater(holding)
    if (now !== undefined) return usable(now.tokens)
    await keeper.revoke(next)
    throw keeper.end('logged_out')
  }

  function usable(tokens: TokenSet | undefined, rejected?: string): TokenSet {
    if (tokens === undefined) throw keeper.end('logged_out')
    if (!isExpiredNow(tokens) && tokens.accessToken !== rejected) return tokens
    throw locked('Somebody else is renewing the tokens.')
  }

  /** Under the lease that this process keeps for what it could not write, or under another one. */
  async function alone(
    start: (holding: Holding) => Promise<TokenSet>,
    look: () => Promise<TokenSet | undefined>,
  ): Promise<TokenSet> {
    const { guard } = keeper.state()
    if (guard === undefined || guard.alone.aborted) return exclusively(`refresh:${await lockKey}`, start, look)
    return guard.during(async () => (await look()) ?? start(guard))
  }

  /** What comes of a refresh token that callers before sent and did not wait for. */
  async function joinRedemption(rejected: string | undefined): Promise<TokenSet | undefined> {
    const redemption = redemptions.current(memoryKey)
    const tokens = redemption && (await sender.inPatience(redemption))
    return tokens?.accessToken === rejected ? undefined : tokens
  }

  return async (rejected) => {
    let found: KeptTokens | undefined
    let generation = 0
    const look = async (): Promise<TokenSet | undefined> => {
      generation = keeper.state().generation
      found = await keeper.load()
      if (found === undefined) throw keeper.end('logged_out')
      return isFresh(found.tokens, rejected) ? found.tokens : undefined
    }
    const start = async (holding: Holding): Promise<TokenSet> => {
      // Where there is no lock to wait for, no look was taken yet.
      const known = lock === undefined ? await look() : undefined
      return known ?? work(found as KeptTokens, rejected, holding, generation)
    }
    try {
      return await ((await joinRedemption(rejected)) ?? alone(start, look))
    } catch (error) {
      return despite(error, look)
    }
  }

  /** The lock may have failed, or somebody held it for too long. They may have renewed the tokens all the same. */
  async function despite(error: unknown, look: () => Promise<TokenSet | undefined>): Promise<TokenSet> {
    if (isOAuthClientError(error) || error instanceof TokenStoreError) throw error
    const tokens = await look()
    if (tokens !== undefined) return tokens
    throw error instanceof FetchFailure ? locked('The lock was not to be had in time.') : storeFailure(error)
  }
}

function locked(detail: string): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_STORE_LOCKED', detail)
}
