import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { JsonObject } from '../kit/json.js'
import type { MintSettings, TokenMint } from './access-token.js'
import { behave, type IssuerAnswer, jsonAnswer, type Outcome } from './behaviour.js'
import type { EndpointSwitchboard } from './endpoint-controls.js'
import { authenticatedClient, type EndpointRequest } from './endpoint-request.js'
import { endpointAt, type IssuerEndpoint } from './endpoints.js'
import { introspectionAnswer } from './introspection-endpoint.js'
import { metadataDocument } from './metadata-document.js'
import { tokenAnswer } from './token-endpoint.js'
import type { ReadableTokenRegister } from './token-register.js'

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
