import { createSingleFlight } from '../kit/single-flight.js'
import { createBreakers } from './breakers.js'
import type { OAuthClient } from './client.js'
import { createDpop } from './dpop.js'
import { ClientConfigurationError } from './errors.js'
import { clientCredentials } from './grant-types/client-credentials.js'
import { exchangeToken } from './grant-types/exchange-token.js'
import { introspect } from './grant-types/introspect.js'
import { jwtBearer } from './grant-types/jwt-bearer.js'
import { pushAuthorizationRequest } from './grant-types/push-authorization-request.js'
import { refresh } from './grant-types/refresh.js'
import { revoke } from './grant-types/revoke.js'
import { createIdentities } from './identity.js'
import type { OAuthClientOptions } from './options.js'
import { createPkcePair } from './pkce.js'
import { deleteRegistration, readRegistration, register, updateRegistration } from './registration/registration.js'
import { createRunCall } from './run-call.js'
import type { Runtime } from './runtime.js'
import { createServer } from './server.js'
import { resolveSettings } from './settings.js'
import { createTokenCache } from './token-cache.js'
import type { TokenSet } from './token-set.js'

/**
 * Creates the client of one authorization server. Make it once and share it: it holds the tokens, the discovered
 * metadata, the DPoP key and the circuit breakers. Nothing goes over the network before the first call.
 *
 * @throws {@link ClientConfigurationError} for an option that cannot be right.
 * @throws {@link CredentialError} `ERR_CREDENTIAL_ISSUER` when `perIssuer` has no credential for the issuer.
 * @group OAuth client
 */
export function createOAuthClient(options: OAuthClientOptions): OAuthClient {
  const settings = resolveSettings(options)
  const closing = new AbortController()
  const breakers = createBreakers(settings)
  const runCall = createRunCall(settings, breakers, closing.signal)
  const dpop = createDpop(settings)
  const findServer = createServer(settings, runCall)
  const tokens = createTokenCache(settings)
  const refreshes = createSingleFlight<TokenSet>()

  async function server() {
    if (closing.signal.aborted) throw new ClientConfigurationError('ERR_CLIENT_CLOSED', { issuer: settings.issuer })
    return findServer()
  }
  const identities = createIdentities(settings, ({ metadata, initialAccessToken }, { correlationId }) =>
    register(runtime, metadata, { initialAccessToken, correlationId }),
  )
  const runtime: Runtime = { settings, dpop, runCall, closing: closing.signal, server, identity: identities.get }

  async function close(): Promise<void> {
    closing.abort()
    tokens.clear()
  }

  return Object.freeze({
    issuer: settings.issuer,
    get clientId() {
      return identities.current()?.clientId
    },
    ready: async () => (await server()).metadata,
    describeEndpoints: async () => (await server()).endpoints,
    breakers: breakers.states,
    dpop: dpop.proofs(async () => (await server()).metadata),
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
