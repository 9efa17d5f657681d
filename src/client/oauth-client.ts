/*
 * What the OAuth client of one authorization server can do. How it is put together is in `create-client.ts`.
 */
import type { IntrospectionResponse } from 'openid-client'
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import type { LogoutToken } from '../issuer/logout-token.js'
import type { BreakerState, CircuitName } from '../kit/client-events.js'
import type { JsonObject } from '../kit/json.js'
import type { DpopProofs } from './calls/dpop.js'
import type { CallOptions } from './client-options.js'
import type { EndpointDescriptions } from './endpoints.js'
import type { AuthorizationRequestParams, PushedAuthorizationRequest } from './grant-types/authorization-request.js'
import type { AuthorizationParams, AuthorizationRequest } from './grant-types/authorization-url.js'
import type { ClientCredentialsOptions } from './grant-types/client-credentials.js'
import type { DeviceAuthorization, DeviceAuthorizationParams } from './grant-types/device-authorization.js'
import type { EndSessionParams } from './grant-types/end-session.js'
import type { CodeParams } from './grant-types/exchange-code.js'
import type { TokenExchangeParams } from './grant-types/exchange-token.js'
import type { IdentifiedTokens } from './grant-types/identify.js'
import type { TokenHintOptions } from './grant-types/introspect-and-revoke.js'
import type { JwtBearerParams } from './grant-types/jwt-bearer.js'
import type { RefreshParams } from './grant-types/refresh.js'
import type { TokenTarget } from './grant-types/token-request.js'
import type { UserInfoOptions } from './grant-types/user-info.js'
import type { IdTokenClaims, IdTokenExpectations } from './id-token.js'
import type { PkcePair } from './pkce.js'
import type { ClientMetadata, RegisteredClient } from './registration/registered-client.js'
import type { RegisterOptions } from './registration/registration.js'
import type { TokenSet } from './token-set.js'

/**
 * The client of one authorization server. Every function rejects with an {@link OAuthClientError}, and with nothing
 * else. Functions can be taken off the object.
 *
 * @group OAuth client
 */
export interface OAuthClient extends AsyncDisposable {
  readonly issuer: string
  /** `undefined` for a client without credential, and until a `registration` came about. */
  readonly clientId: string | undefined
  /** The key its tokens are bound to, for proofs at resource servers; `undefined` without DPoP. */
  readonly dpop: DpopProofs | undefined
  /**
   * The server's metadata as calls use it, discovered at first use; explicit endpoints win. Where the document of RFC 8414
   * says nothing of OpenID Connect, what is missing there comes from the OpenID document, if there is one. Concurrent
   * callers share one discovery, a failure is not remembered. `refresh` asks the server, whatever is known.
   *
   * @throws {@link DiscoveryError}
   */
  ready(options?: { readonly refresh?: boolean | undefined }): Promise<AuthorizationServerMetadata>
  /** Where each endpoint is, and who said so. Endpoints the server does not have are absent. */
  describeEndpoints(): Promise<EndpointDescriptions>
  /** The circuits used so far. */
  breakers(): Readonly<Partial<Record<CircuitName, BreakerState>>>
  /**
   * Token exchange (RFC 8693). Not cached: the grants of the resource server do that. Repeated on 429 and 503 only.
   * Checks that the answer names its token type, and the one asked for; does NOT look into the token.
   *
   * @throws {@link TokenExchangeError} when the server refuses, {@link ResponseError} `ERR_ISSUED_TOKEN_TYPE`.
   */
  exchangeToken(params: TokenExchangeParams, options?: CallOptions): Promise<TokenSet>
  /**
   * A token for this client itself (RFC 6749 §4.4): from the cache while it is good, renewed ahead of expiry in the
   * background, fetched once however many ask.
   */
  clientCredentials(target?: TokenTarget, options?: ClientCredentialsOptions): Promise<TokenSet>
  /** The JWT authorization grant (RFC 7523 §2.1). Repeated on 429 and 503 only. */
  jwtBearer(params: JwtBearerParams, options?: CallOptions): Promise<TokenSet>
  /**
   * Redeems a refresh token (RFC 6749 §6). Concurrent calls with the same token share one request; after an ambiguous
   * failure it is never sent again. Persist `refreshToken` of the result before anything else; on `ERR_INVALID_GRANT`
   * look whether another process already did, before you send the user to log in.
   */
  refresh(params: RefreshParams, options?: CallOptions): Promise<TokenSet>
  /** Asks about a token (RFC 7662). The answer is the server's word: check `active` first. */
  introspect(token: string, options?: TokenHintOptions): Promise<Readonly<IntrospectionResponse>>
  /**
   * Revokes a token (RFC 7009). Resolves for unknown tokens too; do not use the token afterwards. `clientCredentials`
   * serves it no more, whether the call succeeds or not.
   */
  revoke(token: string, options?: TokenHintOptions): Promise<void>
  /** Pushes an authorization request (RFC 9126), always with PKCE, and tells where to send the user. */
  pushAuthorizationRequest(
    params: AuthorizationRequestParams,
    options?: CallOptions,
  ): Promise<PushedAuthorizationRequest>
  /**
   * A request for a code (RFC 6749 §4.1.1), with fresh state, nonce and PKCE, pushed where the server wants that. Keep the
   * result for {@link OAuthClient.exchangeCode}, bound to this user agent.
   */
  authorizationRequest(params: AuthorizationParams, options?: CallOptions): Promise<AuthorizationRequest>
  /**
   * Judges what the user came back with, in this order: each parameter once, `state`, `iss` (RFC 9207), `error`, `code`;
   * then redeems the code and verifies the ID token. Use each request once: a failed one is over.
   *
   * @throws {@link LoginError}, {@link LoginDeniedError}, {@link IdTokenError}, or what the token endpoint says.
   */
  exchangeCode(params: CodeParams, options?: CallOptions): Promise<IdentifiedTokens>
  /**
   * Verifies an ID token of this client that came another way: signature, issuer, audience, times, and what is expected.
   *
   * @throws {@link IdTokenError}
   */
  verifyIdToken(idToken: string, expected: IdTokenExpectations, options?: CallOptions): Promise<IdTokenClaims>
  /**
   * Verifies a logout token of this client (OpenID Connect Back-Channel Logout 1.0 §2.6), `exp` required unless
   * `optionalLogoutClaims` says otherwise. Ends nothing, and does NOT see whether it came before: revoke what `sub` or `sid`
   * has as of `issuedAt`, and remember `jti`.
   *
   * @throws {@link LoginError} `ERR_LOGOUT_TOKEN`, `detail` says why; {@link DiscoveryError} while the keys cannot be had.
   */
  verifyLogoutToken(logoutToken: string, options?: CallOptions): Promise<LogoutToken>
  /**
   * Asks the userinfo endpoint who the token stands for. Signed userinfo (`application/jwt`) is verified as ID tokens are:
   * signature, and `iss`, `aud` and `exp` where they are there.
   *
   * @throws {@link LoginError} `ERR_LOGIN_SUBJECT` for another user; `ERR_USERINFO_INVALID`, `detail` says why.
   */
  userInfo(accessToken: string, options?: UserInfoOptions): Promise<JsonObject>
  /** Begins a login on a device without a browser (RFC 8628); its `poll` waits for the user. */
  deviceAuthorization(params: DeviceAuthorizationParams, options?: CallOptions): Promise<DeviceAuthorization>
  /** Where to send a user to sign out at the server as well; `undefined` where it has no such page. */
  endSessionUrl(params?: EndSessionParams, options?: CallOptions): Promise<string | undefined>
  /** See {@link createPkcePair}. */
  createPkcePair(): Promise<PkcePair>
  /**
   * Registers a client (RFC 7591). What the server returns is what holds.
   *
   * @throws {@link ResponseError} `ERR_REGISTRATION_UNUSABLE` when it came back with an authentication method that was
   * not asked for, and without what that method needs.
   */
  register(metadata: ClientMetadata, options?: RegisterOptions): Promise<RegisteredClient>
  /** Reads a registration (RFC 7592 §2.1). Keep the result: token and secret may be new. */
  readRegistration(client: RegisteredClient, options?: CallOptions): Promise<RegisteredClient>
  /** Replaces the metadata of a registration (RFC 7592 §2.2): members left out are deleted. Keep the result. */
  updateRegistration(
    client: RegisteredClient,
    metadata: ClientMetadata,
    options?: CallOptions,
  ): Promise<RegisteredClient>
  /** Deletes a registration (RFC 7592 §2.3). */
  deleteRegistration(client: RegisteredClient, options?: CallOptions): Promise<void>
  /** Aborts what is under way, drops all tokens, refuses further calls. */
  close(): Promise<void>
}
