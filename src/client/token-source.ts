/*
 * The one thing an authenticated `fetch` needs: somebody who has a token. Sources that keep a user's tokens are in `login`.
 */
import type { DpopProofs } from './calls/dpop.js'
import type { TokenTarget } from './grant-types/token-request.js'
import type { OAuthClient } from './oauth-client.js'
import type { TokenSet } from './token-set.js'

/** What a {@link TokenSource} is asked for. @group Tokens */
export interface GetTokenOptions {
  /** Get a new token even if the known one is good. Default false. */
  readonly forceRefresh?: boolean | undefined
  /** A token that a service refused: any other one will do. */
  readonly rejected?: Pick<TokenSet, 'accessToken'> | undefined
  /** Whether a token that has expired is renewed. Default true. */
  readonly autoRefresh?: boolean | undefined
  /** Ends the waiting of this caller, and not work that others share. */
  readonly signal?: AbortSignal | undefined
  /** How long this caller waits, in milliseconds. Default: as long as the work takes, which has limits of its own. */
  readonly timeoutMs?: number | undefined
}

/** Somebody who has an access token, or can get one. @group Tokens */
export interface TokenSource {
  /** A token that is good by the local clock. Rejects where there is none to be had. */
  getToken(options?: GetTokenOptions): Promise<TokenSet>
  /** Proves the key that DPoP-bound tokens need (RFC 9449). */
  readonly dpop?: DpopProofs | undefined
}

/**
 * The tokens of a client itself, as a {@link TokenSource}: from the client's cache, renewed ahead of their end.
 *
 * @group Tokens
 */
export function clientCredentialsSource(
  client: Pick<OAuthClient, 'clientCredentials' | 'dpop'>,
  target: TokenTarget = {},
): TokenSource {
  return Object.freeze({
    dpop: client.dpop,
    async getToken({ forceRefresh = false, rejected, signal, timeoutMs }: GetTokenOptions = {}) {
      const call = { signal, totalTimeoutMs: timeoutMs }
      const tokens = await client.clientCredentials(target, { ...call, forceRefresh: forceRefresh && !rejected })
      if (rejected === undefined || tokens.accessToken !== rejected.accessToken) return tokens
      return client.clientCredentials(target, { ...call, forceRefresh: true })
    },
  })
}

/**
 * One token that was got elsewhere, as a {@link TokenSource}. Never renewed: a service that refuses it, or one whose time
 * is over, gets no other. Does NOT look at its expiry.
 *
 * @group Tokens
 */
export function staticSource(tokens: TokenSet, dpop?: DpopProofs): TokenSource {
  return Object.freeze({ dpop, getToken: async () => tokens })
}
