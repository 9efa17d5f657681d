/*
 * What a way to sign in is: how a client that found its authorization server gets tokens there. The ways that send a user
 * somewhere are in `native`.
 */
import type { OAuthClient } from '../../client/oauth-client.js'
import type { ClientMetadata } from '../../client/registration/registered-client.js'
import type { TokenSet } from '../../client/token-set.js'
import type { Provider } from '../provider.js'

/** What a way to sign in needs of a provider: those of `portcullis/native` take it. @group Protected resources */
export type SignInProvider = Pick<Provider, 'name' | 'authorizationRequest' | 'redeem' | 'deviceAuthorization'> & {
  /** That of the provider. Tokens kept for one server are given to no other. */
  readonly serverId?: string | undefined
}

/** What a {@link SignIn} is asked for. @group Protected resources */
export interface SignInRequest {
  /** The client of the authorization server: discovered, and known there. */
  readonly client: OAuthClient
  /** The same server as a provider whose requests name the resource, the scopes and what a step-up asked for. */
  readonly provider: SignInProvider
  readonly issuer: string
  /** The identifier that the resource goes by: for `resource` in requests (RFC 8707). */
  readonly resource: string
  readonly scope: readonly string[]
  /** Aborts when the fetch is closed. */
  readonly signal: AbortSignal
}

/**
 * A way to sign in. `getTokens` resolves to tokens for the resource, asked of this authorization server and no other; what
 * it rejects with is what the call rejects with.
 *
 * @group Protected resources
 */
export interface SignIn {
  /**
   * What a registration of the client says of it: `redirect_uris`, `grant_types`, `application_type`. With
   * `authorization_code` among the grant types, the server has to say that it supports PKCE where MCP wants that.
   */
  readonly metadata: ClientMetadata
  /** False where it asks nothing of the server: the client does not become known there. Default true. */
  readonly needsClient?: boolean | undefined
  /** Signs in. Rejects where it cannot; what it throws reaches whoever called the fetch. */
  getTokens(request: SignInRequest): Promise<TokenSet>
}
