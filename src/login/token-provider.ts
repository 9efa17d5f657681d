import type { DpopProofs } from '../client/calls/dpop.js'
import type { CallOptions } from '../client/client-options.js'
import type { TokenSet } from '../client/token-set.js'

/**
 * What {@link createUserTokens} needs of a provider; `createProvider` makes it. Of your own: `refresh` sends the refresh
 * token once, and never again after a failure that leaves open whether it was received; it holds the answer to what was
 * known of the user (OpenID Connect Core §12.2) and rejects with `ERR_ID_TOKEN_SUBJECT_CHANGED` where it is about somebody
 * else; and its result has the refresh token and the ID token of before where the answer brought none. Both functions
 * reject with an {@link OAuthClientError}.
 *
 * @group User tokens
 */
export interface TokenProvider {
  /** For events. */
  readonly name: string
  readonly issuer: string | undefined
  /**
   * Names the server, and where its endpoints are. Tokens that were kept for another one are neither given nor sent. Default:
   * `issuer`.
   */
  readonly serverId?: string | undefined
  /** `false` only where the server never takes a refresh token out of use: then a failing lock does not stop a refresh. */
  readonly rotatesRefreshTokens?: boolean | undefined
  /** Has the key that DPoP-bound tokens need. */
  readonly client?: { readonly dpop?: DpopProofs | undefined } | undefined
  /** Gets new tokens for the refresh token of `previous` (RFC 6749 §6). */
  refresh(previous: TokenSet, options?: CallOptions): Promise<TokenSet>
  /** Revokes the refresh token, then the access token (RFC 7009); `unsupported` where it revokes none, or not the refresh token. */
  revoke(tokens: TokenSet, options?: CallOptions): Promise<'revoked' | 'unsupported'>
}
