import { allowInsecureRequests, type ClientAuth, Configuration, customFetch, type ServerMetadata } from 'openid-client'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import { isStringArray, type JsonObject } from '../../kit/json.js'
import type { ClientCredential, CredentialTarget } from '../credentials/client-credential.js'
import { endpointMembers } from '../endpoints.js'
import { CredentialError, DiscoveryError, isOAuthClientError } from '../errors.js'
import { createRedact, redactedCause } from '../redaction.js'
import type { ClientSettings } from '../settings.js'
import type { Attempt } from './attempt.js'
import type { CallRunner } from './run-call.js'

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

/** An `openid-client` configuration, and where the attempt goes that has it. */
interface Prepared {
  readonly config: Configuration
  destination: Destination
}

/** The one a client used last, while no attempt has it: `openid-client` copies all metadata each time one is made. */
const atRest = new WeakMap<CallRunner, Prepared>()

/** Takes the place of the fetch of an attempt that is over, which knows all that was sent and answered. */
const fetchNothing = () => Promise.reject(new FetchFailure('network'))

/**
 * Does work with a configuration that no other attempt has meanwhile: it carries the attempt's own fetch, so that what the
 * server answered can be told apart between concurrent calls.
 */
export async function withConfiguration<T>(
  client: CallRunner,
  destination: Destination,
  attempt: Attempt,
  work: (config: Configuration) => Promise<T>,
): Promise<T> {
  const { metadata, identity } = destination
  const kept = atRest.get(client)
  atRest.delete(client)
  const fits = kept?.destination.metadata === metadata && kept.destination.identity.clientId === identity.clientId
  const prepared = kept !== undefined && fits ? kept : prepare(client.settings, destination)
  prepared.destination = destination
  prepared.config[customFetch] = attempt.fetch
  try {
    return await work(prepared.config)
  } finally {
    prepared.config[customFetch] = fetchNothing
    atRest.set(client, prepared)
  }
}

function prepare(settings: ClientSettings, destination: Destination): Prepared {
  const authenticated: ClientAuth = (...request) => authenticateRequest(prepared.destination, ...request)
  const { metadata, identity } = destination
  const config = new Configuration(usedMembers(metadata), identity.clientId, {}, authenticated)
  const prepared = { config, destination }
  // Time limits are those of the attempt.
  config.timeout = 0
  // The guard judges every URL by itself, loopback or not.
  if (settings.insecureHosts !== false) allowInsecureRequests(config)
  return prepared
}

/** Those members `openid-client` looks at: it is given no ID token and no signed answer whose algorithm would matter. */
function usedMembers(metadata: JsonObject): ServerMetadata {
  const endpoints = Object.values(endpointMembers).filter((name) => typeof metadata[name] === 'string')
  return {
    ...Object.fromEntries(endpoints.map((name) => [name, metadata[name]])),
    issuer: metadata['issuer'] as string,
  }
}

/** Adapts a credential to `openid-client`, which awaits the function although its type does not say so. */
async function authenticateRequest(
  destination: Destination,
  ...[, , body, headers]: Parameters<ClientAuth>
): Promise<void> {
  const { headers: fields = {}, form = {} } = await authenticate(destination)
  for (const [name, value] of Object.entries(fields)) headers.set(name, value)
  for (const [name, value] of Object.entries(form)) body.set(name, value)
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
