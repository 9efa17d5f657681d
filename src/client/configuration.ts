import {
  allowInsecureRequests,
  type ClientAuth,
  Configuration,
  type CustomFetch,
  customFetch,
  type ServerMetadata,
} from 'openid-client'
import { guardedResponse } from '../kit/fetch/guarded-response.js'
import { isStringArray, type JsonObject } from '../kit/json.js'
import type { ClientCredential, CredentialTarget } from './credentials/contract.js'
import { endpointMembers } from './endpoints.js'
import { CredentialError, DiscoveryError, isOAuthClientError } from './errors.js'
import { createRedact, redactedCause } from './redaction.js'
import type { CallAttempt } from './run-call.js'
import type { ClientSettings } from './settings.js'

/** Who this client is at its server. */
export interface Identity {
  readonly clientId: string
  readonly credential: ClientCredential
}

/** What one request to an endpoint is made with. */
export interface Destination {
  readonly identity: Identity
  /** With the endpoints that hold, whoever named them. */
  readonly metadata: JsonObject
  readonly endpoint: string
}

/**
 * The `openid-client` configuration of one attempt. Made anew each time: it carries the attempt's own fetch, so that
 * what the server answered can be told apart between concurrent calls.
 */
export function createConfiguration(
  settings: ClientSettings,
  destination: Destination,
  attempt: CallAttempt,
): Configuration {
  const { clientId } = destination.identity
  const config = new Configuration(usedMembers(destination.metadata), clientId, {}, toClientAuth(destination))
  // Time limits are those of the attempt.
  config.timeout = 0
  config[customFetch] = createCustomFetch(settings, attempt)
  // The guard judges every URL by itself, loopback or not.
  if (settings.allowInsecureLoopback) allowInsecureRequests(config)
  return config
}

/** The guarded fetch in the shape `openid-client` takes. */
export function createCustomFetch(settings: ClientSettings, attempt: CallAttempt): CustomFetch {
  const { correlationHeader } = settings
  const headers =
    correlationHeader === undefined
      ? settings.headers
      : { ...settings.headers, [correlationHeader]: attempt.context.correlationId }
  return (url, init) => guardedResponse({ ...settings, headers }, attempt, url, init)
}

const listMembers = ['id_token_signing_alg_values_supported', 'introspection_signing_alg_values_supported'] as const

/** Those members `openid-client` looks at; whatever else the document holds, and of what type, is no matter of ours. */
function usedMembers(metadata: JsonObject): ServerMetadata {
  const endpoints = Object.values(endpointMembers).filter((name) => typeof metadata[name] === 'string')
  const lists = listMembers.filter((name) => isStringArray(metadata[name]))
  const used = [...endpoints, ...lists].map((name) => [name, metadata[name]])
  return { ...Object.fromEntries(used), issuer: metadata['issuer'] as string }
}

/** Adapts a credential to `openid-client`, which awaits the function although its type does not say so. */
function toClientAuth(destination: Destination): ClientAuth {
  return async (_as, _client, body, headers) => {
    const { headers: fields = {}, form = {} } = await authenticate(destination)
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
    for (const [name, value] of Object.entries(form)) body.set(name, value)
  }
}

async function authenticate(destination: Destination) {
  const { credential } = destination.identity
  const target = targetOf(destination)
  try {
    return await credential.authenticate(target)
  } catch (error) {
    if (isOAuthClientError(error)) throw error
    throw new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', { cause: redactedCause(error, createRedact([])) })
  }
}

function targetOf({ metadata, endpoint, identity }: Destination): CredentialTarget {
  const tokenEndpoint = metadata['token_endpoint']
  return {
    issuer: metadata['issuer'] as string,
    endpoint,
    tokenEndpoint: typeof tokenEndpoint === 'string' ? tokenEndpoint : undefined,
    signingAlgorithms: identity.credential.method === 'private_key_jwt' ? signingAlgorithms(metadata) : undefined,
  }
}

/** @throws {@link DiscoveryError} when the member is not what RFC 8414 §2 says. */
function signingAlgorithms(metadata: JsonObject): readonly string[] | undefined {
  const listed = metadata['token_endpoint_auth_signing_alg_values_supported'] ?? undefined
  if (listed === undefined || isStringArray(listed)) return listed
  throw new DiscoveryError('ERR_DISCOVERY_INVALID', {
    message:
      '`token_endpoint_auth_signing_alg_values_supported` in the metadata of the authorization server is no list of names',
  })
}
