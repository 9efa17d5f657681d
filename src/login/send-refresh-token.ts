/*
 * How long the answer to a refresh is waited for, and how long callers are kept waiting. An answer that is given up is lost
 * with the refresh token in it, so callers go long before.
 */
import { isOAuthClientError, OAuthClientError, RequestTimeoutError } from '../client/errors.js'
import type { TokenSet } from '../client/token-set.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { withTimeLimit } from '../kit/time-limit.js'
import { maySpend } from './refresh-failures.js'
import type { TokenProvider } from './token-provider.js'

/** What {@link createRefreshSender} needs to know. */
export interface SenderSettings {
  readonly provider: TokenProvider
  /** How long callers wait. */
  readonly refreshTimeoutMs: number
  readonly reuseGraceMs: number
}

/** See {@link createRefreshSender}. */
interface RefreshSender {
  /** Sends the refresh token, and once more at once where the server allows for it. Never rejects. */
  ask(previous: TokenSet, limitMs: number): Promise<TokenSet | OAuthClientError>
  /** Waits as long as callers do; the work goes on. @throws {@link RequestTimeoutError} */
  inPatience<T>(work: Promise<T>): Promise<T>
}

/** Proxies in front of a server give its answer up after a minute at the latest, as they come. */
export const longestAnswerMs = 60_000
/** Over what the provider is told: it knows better what it did not get an answer to. */
export const overtimeMs = 5000

/** Makes the {@link RefreshSender} of a provider. */
export function createRefreshSender({ provider, refreshTimeoutMs, reuseGraceMs }: SenderSettings): RefreshSender {
  const about = { operation: 'refresh', issuer: provider.issuer }
  const firstLimitMs = reuseGraceMs > refreshTimeoutMs ? refreshTimeoutMs : Number.POSITIVE_INFINITY

  function toClientError(thrown: unknown): OAuthClientError {
    if (thrown instanceof FetchFailure) return new RequestTimeoutError('ERR_TIMEOUT', about)
    return isOAuthClientError(thrown) ? thrown : new OAuthClientError('ERR_UNEXPECTED', about)
  }

  function send(previous: TokenSet, limitMs: number): Promise<TokenSet> {
    const timeoutMs = Math.max(1, Math.ceil(limitMs))
    const limits = { timeoutMs, totalTimeoutMs: timeoutMs }
    return withTimeLimit(timeoutMs + overtimeMs, (signal) => provider.refresh(previous, { ...limits, signal }))
  }

  return {
    async ask(previous, limitMs) {
      const startedMs = performance.now()
      try {
        return await send(previous, Math.min(limitMs, firstLimitMs))
      } catch (thrown) {
        const error = toClientError(thrown)
        const passedMs = performance.now() - startedMs
        if (!maySpend(error) || passedMs >= reuseGraceMs) return error
        return send(previous, limitMs - passedMs).catch(toClientError)
      }
    },
    async inPatience(work) {
      try {
        return await withTimeLimit(refreshTimeoutMs, () => work)
      } catch (thrown) {
        throw thrown instanceof FetchFailure ? toClientError(thrown) : thrown
      }
    },
  }
}
