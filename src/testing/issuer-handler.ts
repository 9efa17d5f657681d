import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { JsonObject } from '../kit/json.js'
import { behave, type EndpointSwitchboard, type IssuerAnswer, jsonAnswer, type Outcome } from './endpoint-controls.js'
import {
  authenticatedClient,
  type EndpointRequest,
  endpointAt,
  endpointUrl,
  type IssuerEndpoint,
} from './issuer-endpoints.js'
import { tokenAnswer } from './token-endpoint.js'
import type { MintSettings, TokenMint } from './token-mint.js'
import { introspectionAnswer, type ReadableTokenRegister } from './token-register.js'

/** Everything the endpoints of one issuer share. */
export interface IssuerSettings extends MintSettings {
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly clients: Readonly<Record<string, string>>
  readonly metadata: JsonObject
  readonly mint: TokenMint
  readonly register: ReadableTokenRegister
  readonly switchboard: EndpointSwitchboard
}

/** Takes a request in, logs it, waits while it is held, and answers it as the endpoint or its override says. */
export function createIssuerHandler(settings: IssuerSettings): (request: EndpointRequest) => Promise<Outcome> {
  return async (request) => {
    const endpoint = endpointAt(settings.issuer(), new URL(request.url).pathname)
    await settings.switchboard.receive({ ...request, endpoint })
    if (endpoint === undefined)
      return { kind: 'answer', answer: jsonAnswer(404, { error: 'not_found' }), pace: 'whole' }
    const behaviour = settings.switchboard.takeOverride(endpoint) ?? { kind: 'answer' }
    return behave(behaviour, () => usualAnswer(endpoint, request, settings))
  }
}

function usualAnswer(endpoint: IssuerEndpoint, request: EndpointRequest, settings: IssuerSettings): IssuerAnswer {
  switch (endpoint) {
    case 'jwks':
      return jsonAnswer(200, { keys: settings.keys.publishedKeys() }, { 'content-type': 'application/jwk-set+json' })
    case 'introspection':
    case 'token':
      return clientAnswer(endpoint, request, settings)
    default:
      return jsonAnswer(200, metadataDocument(settings.issuer(), settings.algorithms, settings.metadata))
  }
}

function clientAnswer(
  endpoint: 'introspection' | 'token',
  request: EndpointRequest,
  settings: IssuerSettings,
): IssuerAnswer {
  if (request.method !== 'POST') return jsonAnswer(405, { error: 'invalid_request' }, { allow: 'POST' })
  const clientId = authenticatedClient(request, settings.clients)
  if (clientId === undefined) return jsonAnswer(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic' })
  const { register, audience, lifetimeSeconds } = settings
  if (endpoint === 'token') {
    return tokenAnswer(request, { clientId, lifetimeSeconds, find: register.find, mint: settings.mint.mintToken })
  }
  return introspectionAnswer(request, {
    issuer: settings.issuer(),
    audience,
    nowSeconds: Math.floor(settings.clock() / 1000),
    key: settings.keys.signingKey(),
    find: register.find,
  })
}

/** The issuer's metadata (RFC 8414 §2): what it really serves, then what the caller adds or, by `undefined`, removes. */
function metadataDocument(issuer: string, algorithms: readonly SignatureAlgorithm[], extra: JsonObject): JsonObject {
  const authMethods = ['client_secret_basic', 'client_secret_post']
  return {
    issuer,
    jwks_uri: endpointUrl(issuer, 'jwks'),
    token_endpoint: endpointUrl(issuer, 'token'),
    introspection_endpoint: endpointUrl(issuer, 'introspect'),
    grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    token_endpoint_auth_methods_supported: authMethods,
    introspection_endpoint_auth_methods_supported: authMethods,
    introspection_signing_alg_values_supported: algorithms,
    dpop_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
    ...extra,
  }
}
