/*
 * The OAuth client of one authorization server: what it can do, and how it is put together. Each function is in
 * `grant-types` or `registration`; how a call runs is in `calls`.
 */
import type { IntrospectionResponse } from 'openid-client'
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import type { BreakerState, CircuitName } from '../kit/events.js'
import { createSingleFlight } from '../kit/single-flight.js'
import { createBreakers } from './calls/breakers.js'
import type { Runtime } from './calls/call-endpoint.js'
import type { DpopProofs } from './calls/dpop.js'
import { createDpop } from './calls/dpop.js'
import { repeatAttempts, withinCall } from './calls/run-call.js'
import type { CallOptions, OAuthClientOptions } from './client-options.js'
import type { EndpointDescriptions } from './endpoints.js'
import { ClientCallError } from './errors.js'
import type { AuthorizationRequestParams, PushedAuthorizationRequest } from './grant-types/authorization-request.js'
import { pushAuthorizationRequest } from './grant-types/authorization-request.js'
import type { ClientCredentialsOptions } from './grant-types/client-credentials.js'
import { clientCredentials, createTokenCache } from './grant-types/client-credentials.js'
import type { TokenExchangeParams } from './grant-types/exchange-token.js'
import { exchangeToken } from './grant-types/exchange-token.js'
import type { TokenHintOptions } from './grant-types/introspect-and-revoke.js'
import { introspect, revoke } from './grant-types/introspect-and-revoke.js'
import type { JwtBearerParams } from './grant-types/jwt-bearer.js'
import { jwtBearer } from './grant-types/jwt-bearer.js'
import type { RefreshParams } from './grant-types/refresh.js'
import { refresh } from './grant-types/refresh.js'
import type { TokenTarget } from './grant-types/token-request.js'
import type { PkcePair } from './pkce.js'
import { createPkcePair } from './pkce.js'
import { createRegisteredIdentity } from './registration/identity.js'
import type { ClientMetadata, RegisteredClient } from './registration/registered-client.js'
import type { RegisterOptions } from './registration/registration.js'
import { deleteRegistration, readRegistration, register, updateRegistration } from './registration/registration.js'
import { createServer } from './server.js'
import { toClientSettings } from './settings.js'
import type { TokenSet } from './token-set.js'

/**
 * Creates the client of one authorization server. Make it once and share it: it holds the tokens, the discovered
 * metadata, the DPoP key and the circuit breakers. Nothing goes over the network before the first call.
 *
 * @throws `ConfigurationError` for an option that cannot be right.
 * @throws {@link CredentialError} `ERR_CREDENTIAL_ISSUER` when `perIssuer` has no credential for the issuer.
 * @group OAuth client
 */
export function createOAuthClient(options: OAuthClientOptions): OAuthClient {
  const settings = toClientSettings(options)
  const { credential, registration } = settings
  const closing = new AbortController()
  const breakers = createBreakers(settings)
  const runner = { settings, breakers, closing: closing.signal }
  const findServer = createServer(settings, (spec, call, work) =>
    withinCall(runner, call, (signal) => repeatAttempts(runner, spec, call, signal, work)),
  )
  const dpop = settings.dpop === false ? undefined : createDpop(settings.dpop, settings.clock)
  const tokens = createTokenCache(settings)
  const refreshes = createSingleFlight<TokenSet>()

  const known = credential && { clientId: settings.clientId as string, credential }
  const registered =
    registration &&
    createRegisteredIdentity(settings, registration, ({ metadata, initialAccessToken }, { correlationId }) =>
      register(runtime, metadata, { initialAccessToken, correlationId }),
    )
  const runtime: Runtime = { ...runner, dpop, server: findServer, identity: registered?.get ?? (() => known) }

  async function server() {
    if (closing.signal.aborted) throw new ClientCallError('ERR_CLIENT_CLOSED', { issuer: settings.issuer })
    return findServer()
  }

  async function close(): Promise<void> {
    closing.abort()
    tokens.clear()
  }

  return Object.freeze({
    issuer: settings.issuer,
    get clientId() {
      return (known ?? registered?.current())?.clientId
    },
    ready: async () => (await server()).metadata,
    describeEndpoints: async () => (await server()).endpoints,
    breakers: breakers.states,
    dpop: dpop?.proofs(async () => (await server()).metadata),
    exchangeToken: (params, call) => exchangeToken(runtime, params, call),
    clientCredentials: (target = {}, call) => clientCredentials(runtime, tokens, target, call),
    jwtBearer: (params, call) => jwtBearer(runtime, params, call),
    refresh: (params, call) => refresh(runtime, refreshes, params, call),
    introspect: (token, call) => introspect(runtime, token, call),
    revoke: (token, call) => revoke(runtime, tokens, token, call),
    pushAuthorizationRequest: (params, call) => pushAuthorizationRequest(runtime, params, call),
    createPkcePair,
    register: (metadata, call) => register(runtime, metadata, call),
    readRegistration: (client, call) => readRegistration(runtime, client, call),
    updateRegistration: (client, metadata, call) => updateRegistration(runtime, client, metadata, call),
    deleteRegistration: (client, call) => deleteRegistration(runtime, client, call),
    close,
    [Symbol.asyncDispose]: close,
  } satisfies OAuthClient)
}

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
   * The server's metadata, discovered at first use; explicit endpoints win. Concurrent callers share one discovery, a
   * failure is not remembered.
   *
   * @throws {@link DiscoveryError}
   */
  ready(): Promise<AuthorizationServerMetadata>
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
