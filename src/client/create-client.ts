import type { JsonObject } from '../kit/json.js'
import { createSingleFlight } from '../kit/single-flight.js'
import type { Identity } from './calls/attempt-configuration.js'
import { createBreakers } from './calls/breakers.js'
import type { Runtime } from './calls/call-endpoint.js'
import { createDpop } from './calls/dpop.js'
import { type RunCall, repeatAttempts, withinCall } from './calls/run-call.js'
import type { CallOptions, OAuthClientOptions } from './client-options.js'
import { ClientCallError } from './errors.js'
import { pushAuthorizationRequest } from './grant-types/authorization-request.js'
import { authorizationRequest } from './grant-types/authorization-url.js'
import { clientCredentials, createTokenCache } from './grant-types/client-credentials.js'
import { deviceAuthorization } from './grant-types/device-authorization.js'
import { endSessionUrl } from './grant-types/end-session.js'
import { exchangeCode } from './grant-types/exchange-code.js'
import { exchangeToken } from './grant-types/exchange-token.js'
import { checkIdToken, checkLogoutToken } from './grant-types/identify.js'
import { introspect, type RevocationRequest, revoke, sendRevocation } from './grant-types/introspect-and-revoke.js'
import { jwtBearer } from './grant-types/jwt-bearer.js'
import { refresh } from './grant-types/refresh.js'
import { userInfo } from './grant-types/user-info.js'
import type { OAuthClient } from './oauth-client.js'
import { createPkcePair } from './pkce.js'
import { createRegisteredIdentity } from './registration/identity.js'
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
  return createClientWith(options, {}).client
}

/** In what a vendor's server departs from the specifications. */
export interface VendorRules {
  /** What its metadata names as the issuer instead. */
  readonly documentIssuers?: readonly string[] | undefined
  /** Whether it signs answers and ID tokens with that `iss`; of an ID token, given its claims. */
  readonly isIssuer?: ((issuer: unknown, claims?: JsonObject) => boolean) | undefined
  /** What stands between two scopes in its answers. */
  readonly scopeSeparator?: string | undefined
}

/** What a client is told whose server a document of somebody else named. */
export interface NamedServerRules extends VendorRules {
  /** The host of the issuer is not taken for granted either: it must be on the public internet. */
  readonly isHearsay?: boolean | undefined
  /** Who the client is, once that is known; asked at every call. */
  readonly identity?: (() => Identity | undefined) | undefined
}

/** A client, and what only the presets of `portcullis/login` need of it. */
export interface VendorClient {
  readonly client: OAuthClient
  readonly sendRevocation: (request: RevocationRequest, options?: CallOptions) => Promise<void>
}

/** {@link createOAuthClient} for a server that keeps rules of its own. */
export function createClientWith(options: OAuthClientOptions, vendor: NamedServerRules): VendorClient {
  const checked = toClientSettings(options)
  const settings = vendor.isHearsay === true ? { ...checked, trustedHostnames: [] } : checked
  const { credential, registration } = settings
  const closing = new AbortController()
  const breakers = createBreakers(settings)
  const runner = { settings, breakers, closing: closing.signal }
  const runCall: RunCall = (spec, call, work) =>
    withinCall(runner, call, (signal) => repeatAttempts(runner, spec, call, signal, work))
  const { find, findOpenid, show, keys } = createServer(settings, runCall, vendor.documentIssuers)
  const dpop = settings.dpop === false ? undefined : createDpop(settings.dpop, settings.clock)
  const tokens = createTokenCache(settings)
  const refreshes = createSingleFlight<TokenSet>()

  const own = credential && { clientId: settings.clientId as string, credential }
  const known = () => own ?? vendor.identity?.()
  const registered =
    registration &&
    createRegisteredIdentity(settings, registration, ({ metadata, initialAccessToken }, { correlationId }) =>
      register(runtime, metadata, { initialAccessToken, correlationId }),
    )
  const runtime: Runtime = {
    ...runner,
    dpop,
    server: find,
    openid: findOpenid,
    identity: registered?.get ?? known,
    keys,
    isIssuer: vendor.isIssuer ?? ((issuer) => issuer === settings.issuer),
    scopeSeparator: vendor.scopeSeparator,
  }

  async function server(refresh?: boolean) {
    if (closing.signal.aborted) throw new ClientCallError('ERR_CLIENT_CLOSED', { issuer: settings.issuer })
    return vendor.isHearsay === true ? find(refresh) : show(refresh)
  }

  async function close(): Promise<void> {
    closing.abort()
    tokens.clear()
  }

  const client = Object.freeze({
    issuer: settings.issuer,
    get clientId() {
      return (known() ?? registered?.current())?.clientId
    },
    ready: async ({ refresh: anew } = {}) => (await server(anew)).metadata,
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
    authorizationRequest: (params, call) => authorizationRequest(runtime, params, call),
    exchangeCode: (params, call) => exchangeCode(runtime, params, call),
    verifyIdToken: (idToken, expected, call) => checkIdToken(runtime, idToken, expected, call),
    verifyLogoutToken: (text, call) => checkLogoutToken(runtime, text, call),
    userInfo: (accessToken, call) => userInfo(runtime, accessToken, call),
    deviceAuthorization: (params, call) => deviceAuthorization(runtime, params, call),
    endSessionUrl: (params = {}, call) => endSessionUrl(runtime, params, call),
    createPkcePair,
    register: (metadata, call) => register(runtime, metadata, call),
    readRegistration: (client, call) => readRegistration(runtime, client, call),
    updateRegistration: (client, metadata, call) => updateRegistration(runtime, client, metadata, call),
    deleteRegistration: (client, call) => deleteRegistration(runtime, client, call),
    close,
    [Symbol.asyncDispose]: close,
  } satisfies OAuthClient)
  return { client, sendRevocation: (request, call) => sendRevocation(runtime, request, call) }
}
