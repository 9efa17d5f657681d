/*
 * The refresh protocol: of all processes that share a store, one at a time redeems a refresh token, once, and keeps the
 * answer before anybody gets it. `docs/user-tokens.md` has it step by step.
 */
import { sha256Base64url } from '#crypto'
import { isOAuthClientError, NetworkError, OAuthClientError, RequestTimeoutError } from '../client/errors.js'
import { isExpired, shouldRefresh } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import { TokenStoreError } from '../errors/index.js'
import { createShortMemory, type ShortMemory } from '../kit/bounded-cache.js'
import { emit } from '../kit/event-sink.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { withTimeLimit } from '../kit/time-limit.js'
import type { LockStore } from '../stores/contract.js'
import { createExclusively, type Holding } from '../stores/exclusively.js'
import { storeFailure } from '../stores/token-entry.js'
import { type KeptTokens, whyNotRenewable } from './kept-tokens.js'
import type { ReauthenticationReason } from './reauthentication-required-error.js'
import { endings, maySpend } from './refresh-failures.js'
import type { KeeperSettings, TokenKeeper } from './token-keeper.js'
import type { TokenProvider } from './token-provider.js'

/** What a refresh takes. */
export interface RefreshSettings extends KeeperSettings {
  /** `undefined` where no other process shares the store. */
  readonly lock: LockStore | undefined
  readonly skewSeconds: number
  readonly refreshTimeoutMs: number
  readonly ambiguousRetryMs: number
  readonly reuseGraceMs: number
}

/** Gives tokens that need no refresh for a while, and are not those with the access token `rejected`. */
export type RefreshTokens = (rejected: string | undefined) => Promise<TokenSet>

/** What a refresh token was exchanged for, or that its session is over. */
type Successor = TokenSet | 'ended'

const successorMs = 60_000
const maxSuccessors = 1000
/** Over what the provider is told: it knows better what it did not get an answer to. */
const overtimeMs = 5000
const ofProviders = new WeakMap<TokenProvider, ShortMemory<Successor>>()

/** By the hash of the refresh token: who comes with one that was just spent gets what it was exchanged for. */
function successorsOf({ provider, clock }: Pick<RefreshSettings, 'provider' | 'clock'>): ShortMemory<Successor> {
  const known = ofProviders.get(provider) ?? createShortMemory<Successor>(maxSuccessors, successorMs, clock)
  ofProviders.set(provider, known)
  return known
}

/** Keeps the tokens of a session that is over from coming out of the memory of this process. */
export async function forgetSuccessors(settings: RefreshSettings, { refreshToken }: TokenSet): Promise<void> {
  if (refreshToken !== undefined) successorsOf(settings).set(await sha256Base64url(refreshToken), 'ended')
}

/**
 * Makes {@link RefreshTokens} for one key.
 *
 * @throws from the returned function: {@link ReauthenticationRequiredError}, {@link TokenStoreError}, or what the provider
 * rejects with.
 */
export function createRefreshTokens(settings: RefreshSettings, keeper: TokenKeeper): RefreshTokens {
  const { provider, lock, clock, skewSeconds, refreshTimeoutMs, ambiguousRetryMs, reuseGraceMs, onEvent } = settings
  const successors = successorsOf(settings)
  const worksUnlocked = provider.rotatesRefreshTokens === false
  const exclusively = createExclusively({ lock, store: 'tokens', worksUnlocked, onEvent })
  const lockKey = sha256Base64url(settings.key)
  const about = { operation: 'refresh', issuer: provider.issuer }

  const isExpiredNow = (tokens: TokenSet): boolean => isExpired(tokens, { nowMs: clock() })
  const isFresh = (tokens: TokenSet, rejected: string | undefined): boolean =>
    tokens.accessToken !== rejected && !shouldRefresh(tokens, { nowMs: clock(), skewSeconds })

  /** Throws where another attempt would come too early; gives what serves meanwhile. */
  function afterSilence({ tokens, unansweredAtMs }: KeptTokens, rejected: string | undefined): TokenSet | undefined {
    if (unansweredAtMs === undefined) return undefined
    if (!isExpiredNow(tokens) && tokens.accessToken !== rejected) return tokens
    const passedMs = clock() - unansweredAtMs
    if (passedMs < 0 || passedMs >= ambiguousRetryMs) return undefined
    throw new NetworkError('ERR_NETWORK', { ...about, retryAfterMs: ambiguousRetryMs - passedMs })
  }

  /** The newest tokens that come of these, as far as this process knows. */
  async function follow(tokens: TokenSet): Promise<TokenSet> {
    if (tokens.refreshToken === undefined) return tokens
    const successor = successors.get(await sha256Base64url(tokens.refreshToken))
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
    // The process may have slept since it got the lease.
    if (!(await holding.confirm())) throw locked('The hold on the tokens was lost before they were renewed.')
    return redeem(kept, newest, holding, generation)
  }

  async function redeem(kept: KeptTokens, previous: TokenSet, holding: Holding, generation: number): Promise<TokenSet> {
    const startedMs = performance.now()
    const durationMs = () => performance.now() - startedMs
    const next = await send(previous)
      .catch((thrown: unknown) => {
        const error = toClientError(thrown)
        if (!maySpend(error) || durationMs() >= reuseGraceMs) throw error
        return send(previous)
      })
      .catch((thrown: unknown) => toClientError(thrown))
    if (next instanceof OAuthClientError) {
      emit(onEvent, {
        type: 'tokens.refresh_failed',
        provider: provider.name,
        code: next.code,
        durationMs: durationMs(),
      })
      return afterFailure(kept, next, holding)
    }
    emit(onEvent, { type: 'tokens.refreshed', provider: provider.name, durationMs: durationMs() })
    const result = await keep(kept, next, holding, generation)
    if (result === next && next.refreshToken !== previous.refreshToken) {
      successors.set(await sha256Base64url(previous.refreshToken as string), next)
    }
    return result
  }

  function send(previous: TokenSet): Promise<TokenSet> {
    const limits = { timeoutMs: refreshTimeoutMs, totalTimeoutMs: refreshTimeoutMs }
    return withTimeLimit(refreshTimeoutMs + overtimeMs, (signal) => provider.refresh(previous, { ...limits, signal }))
  }

  function toClientError(thrown: unknown): OAuthClientError {
    if (thrown instanceof FetchFailure) return new RequestTimeoutError('ERR_TIMEOUT', about)
    return isOAuthClientError(thrown) ? thrown : new OAuthClientError('ERR_UNEXPECTED', about)
  }

  async function afterFailure(kept: KeptTokens, error: OAuthClientError, holding: Holding): Promise<TokenSet> {
    const reason = endings.get(error.code)
    if (reason !== undefined) return afterRefusal(kept, reason, holding)
    if (maySpend(error)) await keeper.mark(kept)
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

  function usable(tokens: TokenSet | undefined): TokenSet {
    if (tokens === undefined) throw keeper.end('logged_out')
    if (!isExpiredNow(tokens)) return tokens
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

  return async (rejected) => {
    const { generation, held } = keeper.state()
    const wasHeld = held !== undefined
    let found: KeptTokens | undefined
    const look = async (): Promise<TokenSet | undefined> => {
      found = await keeper.load()
      if (found === undefined) throw keeper.end(wasHeld ? 'logged_out' : 'no_tokens')
      return isFresh(found.tokens, rejected) ? found.tokens : undefined
    }
    const start = async (holding: Holding): Promise<TokenSet> => {
      // Where there is no lock to wait for, no look was taken yet.
      const known = lock === undefined ? await look() : undefined
      return known ?? work(found as KeptTokens, rejected, holding, generation)
    }
    try {
      return await alone(start, look)
    } catch (error) {
      if (isOAuthClientError(error) || error instanceof TokenStoreError) throw error
      // The lock failed, or somebody held it for too long. They may have renewed the tokens all the same.
      const tokens = await look()
      if (tokens !== undefined) return tokens
      throw error instanceof FetchFailure ? locked('The lock was not to be had in time.') : storeFailure(error)
    }
  }
}

function locked(detail: string): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_STORE_LOCKED', detail)
}
