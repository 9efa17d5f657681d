import {
  allowInsecureRequests,
  type ClientAuth,
  Configuration,
  type CustomFetch,
  customFetch,
  type ServerMetadata,
} from 'openid-client'
import type { ClientCredential } from './credentials/contract.js'
import { CredentialError, isOAuthClientError } from './errors.js'
import { guardedResponse } from './guarded-response.js'
import { createRedact, redactedCause } from './redaction.js'
import type { CallAttempt } from './run-call.js'
import type { ClientSettings } from './settings.js'

/**
 * The `openid-client` configuration of one attempt. Made anew each time: it carries the attempt's own fetch, so that
 * what the server answered can be told apart between concurrent calls.
 */
export function createConfiguration(
  settings: ClientSettings,
  server: ServerMetadata,
  attempt: CallAttempt,
  endpoint: string,
): Configuration {
  const { clientId, credential } = settings
  const metadata = { use_mtls_endpoint_aliases: usesMtls(credential) }
  const config = new Configuration(server, clientId, metadata, toClientAuth(credential, endpoint))
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

function usesMtls({ method }: ClientCredential): boolean {
  return method === 'tls_client_auth' || method === 'self_signed_tls_client_auth'
}

/** Adapts a credential to `openid-client`, which awaits the function although its type does not say so. */
function toClientAuth(credential: ClientCredential, endpoint: string): ClientAuth {
  return async (as, _client, body, headers) => {
    const signingAlgorithms = as.token_endpoint_auth_signing_alg_values_supported
    const { headers: fields = {}, form = {} } = await authenticate(credential, as.issuer, endpoint, signingAlgorithms)
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
    for (const [name, value] of Object.entries(form)) body.set(name, value)
  }
}

async function authenticate(
  credential: ClientCredential,
  issuer: string,
  endpoint: string,
  signingAlgorithms: readonly string[] | undefined,
) {
  try {
    return await credential.authenticate({ issuer, endpoint, signingAlgorithms })
  } catch (error) {
    if (isOAuthClientError(error)) throw error
    throw new CredentialError('ERR_CREDENTIAL_UNAVAILABLE', { cause: redactedCause(error, createRedact([])) })
  }
}
