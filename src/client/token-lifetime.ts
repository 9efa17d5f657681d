/*
 * How long the tokens of a set serve, by the local clock. Asks no server: a token that was revoked may be within its time.
 */
import type { TokenSet } from './token-set.js'

/** When it is now, and how long tokens live whose server did not say. @group Tokens */
export interface TokenTimeOptions {
  /** Milliseconds since the Unix epoch. Default now. */
  readonly nowMs?: number | undefined
  /** Counted from `issuedAt`. Default 3600. */
  readonly fallbackLifetimeSeconds?: number | undefined
}

/**
 * How long the access token lives from now on, in seconds; negative where it has expired. Where its server did not say,
 * counted from `issuedAt`, one hour by default.
 *
 * @group Tokens
 */
export function expiresInSeconds(
  { expiresAt, issuedAt }: Pick<TokenSet, 'expiresAt' | 'issuedAt'>,
  { nowMs = Date.now(), fallbackLifetimeSeconds = 3600 }: TokenTimeOptions = {},
): number {
  return (expiresAt ?? issuedAt + fallbackLifetimeSeconds) - nowMs / 1000
}

/**
 * Whether the access token has expired. Where its server did not say when, it has one hour after it was received. Does
 * NOT leave a margin: {@link shouldRefresh} does.
 *
 * @group Tokens
 */
export function isExpired(tokens: Pick<TokenSet, 'expiresAt' | 'issuedAt'>, options?: TokenTimeOptions): boolean {
  return expiresInSeconds(tokens, options) <= 0
}

/**
 * Whether the access token has expired, or will within `skewSeconds`, 60 by default, or within a tenth of its life where
 * that is less.
 *
 * @group Tokens
 */
export function shouldRefresh(
  tokens: Pick<TokenSet, 'expiresAt' | 'issuedAt'>,
  { skewSeconds = 60, ...options }: TokenTimeOptions & { readonly skewSeconds?: number | undefined } = {},
): boolean {
  const life = expiresInSeconds(tokens, { ...options, nowMs: tokens.issuedAt * 1000 })
  return expiresInSeconds(tokens, options) <= Math.min(skewSeconds, Math.max(0, life / 10))
}

/**
 * Whether there is a refresh token that has not expired, as far as its server said.
 *
 * @group Tokens
 */
export function canRefresh(
  { refreshToken, refreshExpiresAt }: Pick<TokenSet, 'refreshToken' | 'refreshExpiresAt'>,
  { nowMs = Date.now() }: Pick<TokenTimeOptions, 'nowMs'> = {},
): boolean {
  return refreshToken !== undefined && (refreshExpiresAt === undefined || nowMs / 1000 < refreshExpiresAt)
}
