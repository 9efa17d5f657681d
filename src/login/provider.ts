/*
 * One authorization server as it is used to sign users in: its requests, its answers, and who the user is. Keeps neither
 * tokens nor sessions.
 */

import type { CallOptions } from '../client/client-options.js'
import { createClientWith } from '../client/create-client.js'
import { ClientCallError } from '../client/errors.js'
import type { AuthorizationParams } from '../client/grant-types/authorization-url.js'
import type { DeviceAuthorization, DeviceAuthorizationParams } from '../client/grant-types/device-authorization.js'
import type { EndSessionParams } from '../client/grant-types/end-session.js'
import type { IdTokenClaims, IdTokenExpectations } from '../client/id-token.js'
import type { OAuthClient } from '../client/oauth-client.js'
import type { TokenSet } from '../client/token-set.js'
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import type { LogoutToken } from '../issuer/logout-token.js'
import { emit } from '../kit/event-sink.js'
import { hideSecrets } from '../kit/hidden.js'
import type { JsonObject } from '../kit/json.js'
import { createLoginEnds, type LoginResult } from './login-result.js'
import { type PreflightOptions, type PreflightReport, preflight } from './preflight.js'
import { type ProviderPreset, toProviderSettings } from './provider-options.js'
import { revokeTokens } from './revoke-tokens.js'
import { freezeTransaction, type LoginTransaction } from './transaction.js'

/** What one login asks for. @group Login */
export interface LoginParams extends Omit<AuthorizationParams, 'scope' | 'par'> {
  /** Instead of those of the provider. */
  readonly scopes?: readonly string[] | undefined
  /** Where the user goes after the login. Kept in the transaction as it is: check it before, and again where you use it. */
  readonly returnTo?: string | undefined
}

/** A login that was begun: send the user to `url`, keep `transaction`. @group Login */
export interface LoginRequest {
  /** Hidden: it holds `state`. */
  readonly url: string
  readonly transaction: LoginTransaction
}

/** What a login on another device asks for. @group Login */
export interface DeviceLoginParams extends Omit<DeviceAuthorizationParams, 'scope'> {
  /** Instead of those of the provider. */
  readonly scopes?: readonly string[] | undefined
}

/** A login that waits for the user on another device; see {@link DeviceAuthorization}. @group Login */
export interface DeviceLogin extends Omit<DeviceAuthorization, 'poll'> {
  /** As that of a {@link DeviceAuthorization}, with userinfo and account. */
  poll(options?: { readonly signal?: AbortSignal | undefined }): Promise<LoginResult>
}

/**
 * One authorization server that signs users in. Made by {@link createProvider}. Every function rejects with an
 * `OAuthClientError`, and can be taken off the object.
 *
 * @group Login
 */
export interface Provider extends AsyncDisposable {
  readonly name: string
  readonly type: 'oidc' | 'oauth2'
  /** `undefined` where the server has none. */
  readonly issuer: string | undefined
  /** The server and the origins of endpoints that the options place elsewhere: tokens are kept for these, and for no others. */
  readonly serverId: string
  readonly clientId: string
  /** `auto`: all is discovered; `hybrid`: given endpoints win; `manual`: all is given, nothing is discovered. */
  readonly discoveryMode: 'auto' | 'hybrid' | 'manual'
  /** There is no other: PKCE cannot be left out. */
  readonly flow: 'authorization_code_pkce'
  readonly scopes: readonly string[]
  readonly rotatesRefreshTokens: boolean
  /** The client underneath, for everything else. */
  readonly client: OAuthClient
  /** The server's metadata; `undefined` in manual mode. `refresh` asks the server, whatever is known. */
  metadata(options?: { readonly refresh?: boolean | undefined }): Promise<AuthorizationServerMetadata | undefined>
  /** Begins a login. */
  authorizationRequest(params: LoginParams, options?: CallOptions): Promise<LoginRequest>
  /**
   * Ends a login: what the user came back with, and the transaction that belongs to this user agent. In this order: the
   * transaction is this provider's, new and not expired; each parameter once; `state`; `iss`; `error`; `code`; the code
   * is redeemed, never twice; the ID token holds; userinfo; the account.
   *
   * @throws {@link LoginError}, {@link LoginDeniedError}, {@link IdTokenError}, or what the server says.
   */
  redeem(
    callback: URL | URLSearchParams | string,
    transaction: LoginTransaction,
    options?: CallOptions,
  ): Promise<LoginResult>
  /** Begins a login on a device without a browser (RFC 8628). */
  deviceAuthorization(params?: DeviceLoginParams, options?: CallOptions): Promise<DeviceLogin>
  /** Verifies an ID token of this application, the rules of the preset included. */
  verifyIdToken(idToken: string, expected: IdTokenExpectations, options?: CallOptions): Promise<IdTokenClaims>
  /**
   * Verifies a logout token of this application, as {@link OAuthClient.verifyLogoutToken} does. Ends no session: the route
   * of `createLogin` does.
   */
  verifyLogoutToken(logoutToken: string, options?: CallOptions): Promise<LogoutToken>
  /** Asks who the token stands for. For `oidc` the subject of the ID token is required. */
  userInfo(accessToken: string, expectedSubject?: string, options?: CallOptions): Promise<JsonObject>
  /**
   * Redeems the refresh token. What the server does not send anew stays; an ID token must be about the same login.
   *
   * @throws {@link IdTokenError} `ERR_ID_TOKEN_SUBJECT_CHANGED`: end the session.
   */
  refresh(previous: TokenSet, options?: CallOptions): Promise<TokenSet>
  /**
   * Revokes the refresh token, then the access token (RFC 7009). Do not use them afterwards, whatever it says.
   * `unsupported` where the server revokes no tokens, or not the refresh token.
   */
  revoke(tokens: TokenSet, options?: CallOptions): Promise<'revoked' | 'unsupported'>
  /** Where to send users to sign out at the server as well; `undefined` where it has no such page. */
  endSessionUrl(params?: EndSessionParams, options?: CallOptions): Promise<string | undefined>
  /** Tries everything that can be tried without a user: for deployments, and for `portcullis preflight`. */
  preflight(options?: PreflightOptions): Promise<PreflightReport>
  /** Aborts what is under way, refuses further calls. */
  close(): Promise<void>
}

/**
 * Makes a provider of options, or of what a preset makes: `createProvider(google({ … }))`. Opens no connection before the
 * first call. Make it once and share it.
 *
 * @throws `ConfigurationError` with a sentence that says what to write instead.
 * @group Login
 */
export function createProvider(options: ProviderPreset): Provider {
  const settings = toProviderSettings(options)
  const vendor = createClientWith(settings.client, settings.preset)
  const { client } = vendor
  const { name, type, issuer, label, serverId, scopes, discoveryMode, preset } = settings
  const clientId = client.clientId as string
  const { onEvent, clock = Date.now } = settings.client
  const ends = createLoginEnds(settings, client)

  /** The scopes of one login. An OpenID provider is always asked who the user is. */
  function scopesOf(asked: readonly string[] = scopes): readonly string[] {
    if (type === 'oauth2' || (Array.isArray(asked) && asked.includes('openid'))) return asked
    const message = '`scopes` of a login at an OpenID provider must include `openid`.'
    throw new ClientCallError('ERR_CLIENT_ARGUMENT', { operation: 'authorizationRequest', issuer: label, message })
  }

  async function authorizationRequest(params: LoginParams, call?: CallOptions): Promise<LoginRequest> {
    const { scopes: asked, returnTo, ...rest } = params
    const scope = scopesOf(asked)
    const parameters = { ...settings.parameters, ...rest.parameters }
    const { prompt = settings.prompt } = rest
    const request = await client.authorizationRequest(
      { ...settings.target, ...rest, prompt, parameters, scope, par: settings.par },
      call,
    )
    const createdAt = Math.floor(clock() / 1000)
    const { url, state, nonce, codeVerifier } = request
    const transaction = freezeTransaction({
      v: 1,
      id: crypto.randomUUID(),
      provider: name,
      issuer: label,
      clientId,
      returnTo,
      createdAt,
      expiresAt: createdAt + settings.transactionSeconds,
      ...request,
      ...{ state, nonce, codeVerifier },
    })
    emit(onEvent, { type: 'login.started', provider: name, issuer: label })
    return hideSecrets({ transaction }, { url })
  }

  async function deviceAuthorization(params: DeviceLoginParams = {}, call?: CallOptions): Promise<DeviceLogin> {
    const { scopes: asked, ...rest } = params
    const device = await client.deviceAuthorization({ ...rest, scope: scopesOf(asked) }, call)
    emit(onEvent, { type: 'login.started', provider: name, issuer: label })
    const poll: DeviceLogin['poll'] = (options = {}) => ends.finish(() => device.poll(options), { ...call, ...options })
    return hideSecrets({ ...device, poll }, { deviceCode: device.deviceCode })
  }

  async function verifyIdToken(idToken: string, expected: IdTokenExpectations, call?: CallOptions) {
    const claims = await client.verifyIdToken(idToken, expected, call)
    preset.checkClaims?.(claims)
    return claims
  }

  async function userInfo(accessToken: string, expectedSubject?: string, call?: CallOptions): Promise<JsonObject> {
    if (type === 'oauth2' || expectedSubject !== undefined)
      return client.userInfo(accessToken, { ...call, expectedSubject })
    const message =
      'userInfo of an OpenID provider takes the `sub` of the ID token: an answer about another user is refused.'
    throw new ClientCallError('ERR_CLIENT_ARGUMENT', { operation: 'userInfo', issuer: label, message })
  }

  async function refresh(previous: TokenSet, call?: CallOptions): Promise<TokenSet> {
    return client.refresh({ refreshToken: previous.refreshToken as string, previous }, call)
  }

  return Object.freeze({
    name,
    type,
    issuer,
    serverId,
    clientId,
    discoveryMode,
    flow: 'authorization_code_pkce',
    scopes,
    rotatesRefreshTokens: settings.rotatesRefreshTokens,
    client,
    metadata: async (asked) => (discoveryMode === 'manual' ? undefined : client.ready(asked)),
    authorizationRequest,
    redeem: ends.redeem,
    deviceAuthorization,
    verifyIdToken,
    verifyLogoutToken: client.verifyLogoutToken,
    userInfo,
    refresh,
    revoke: (tokens, call) => revokeTokens(settings, vendor, tokens, call),
    endSessionUrl: client.endSessionUrl,
    preflight: (asked) => preflight(settings, client, asked),
    close: client.close,
    [Symbol.asyncDispose]: client.close,
  } satisfies Provider)
}
