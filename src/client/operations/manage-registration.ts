import type { JsonObject } from '../../lib/json.js'
import { createCustomFetch } from '../configuration.js'
import { CredentialError, ResponseError } from '../errors.js'
import type { ClientOperation } from '../events.js'
import type { Answer } from '../guarded-response.js'
import type { CallOptions } from '../options.js'
import type { RetryRule } from '../retry-rule.js'
import type { CallAttempt } from '../run-call.js'
import { type Runtime, refuseArgument } from '../runtime.js'
import { checkMetadata } from './register.js'
import { type ClientMetadata, type RegisteredClient, toRegisteredClient } from './registered-client.js'

interface Management {
  readonly operation: Extract<ClientOperation, `${string}Registration`>
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly retry: RetryRule
  readonly body?: JsonObject
}

/** See {@link OAuthClient.readRegistration}. */
export function readRegistration(
  runtime: Runtime,
  client: RegisteredClient,
  options: CallOptions | undefined,
): Promise<RegisteredClient> {
  return manage(runtime, client, { operation: 'readRegistration', method: 'GET', retry: 'safe' }, options, (attempt) =>
    updated(client, attempt),
  )
}

/** See {@link OAuthClient.updateRegistration}. */
export async function updateRegistration(
  runtime: Runtime,
  client: RegisteredClient,
  metadata: ClientMetadata,
  options: CallOptions | undefined,
): Promise<RegisteredClient> {
  checkMetadata(metadata)
  const management = {
    operation: 'updateRegistration',
    method: 'PUT',
    retry: 'rate_limited',
    body: updateBody(client, metadata),
  } as const
  return manage(runtime, client, management, options, (attempt) => updated(client, attempt))
}

/** See {@link OAuthClient.deleteRegistration}. */
export async function deleteRegistration(
  runtime: Runtime,
  client: RegisteredClient,
  options: CallOptions | undefined,
): Promise<void> {
  const management = { operation: 'deleteRegistration', method: 'DELETE', retry: 'rate_limited' } as const
  await manage(runtime, client, management, options, async () => undefined)
}

/** Members the server alone decides (RFC 7592 §2.2); a client never chooses its own secret. */
const serverMembers: readonly string[] = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
  'client_secret',
]

function updateBody({ clientId }: RegisteredClient, metadata: ClientMetadata): JsonObject {
  const kept = Object.entries(metadata).filter(([name]) => !serverMembers.includes(name))
  return { ...Object.fromEntries(kept), client_id: clientId }
}

/** What the server says replaces what was known; what it leaves out of the credentials stays (RFC 7592 §3). */
async function updated(client: RegisteredClient, attempt: CallAttempt): Promise<RegisteredClient> {
  const { json } = attempt.answer as Answer
  if (json === undefined) throw new ResponseError('ERR_RESPONSE_MALFORMED', attempt.context)
  const credentials = Object.fromEntries(
    [...serverMembers].flatMap((name) => (client.raw[name] === undefined ? [] : [[name, client.raw[name]]])),
  )
  const registered = toRegisteredClient(client.issuer, { ...credentials, ...json }, attempt.context)
  if (registered.clientId !== client.clientId) throw new ResponseError('ERR_REGISTRATION_UNUSABLE', attempt.context)
  return registered
}

async function manage<T>(
  runtime: Runtime,
  client: RegisteredClient,
  { operation, method, retry, body }: Management,
  options: CallOptions | undefined,
  judge: (attempt: CallAttempt) => Promise<T>,
): Promise<T> {
  const { issuer, registrationClientUri, registrationAccessToken } = client
  if (issuer !== runtime.settings.issuer) throw new CredentialError('ERR_CREDENTIAL_ISSUER', { operation, issuer })
  if (registrationClientUri === undefined || registrationAccessToken === undefined) {
    refuseArgument(operation, 'The server gave this registration no address and token to manage it with (RFC 7592).')
  }
  const spec = { operation, circuit: 'registrationManagement', retry, expectsJson: method !== 'DELETE' } as const
  return runtime.runCall(spec, options, async (attempt) => {
    const response = await createCustomFetch(runtime.settings, attempt)(registrationClientUri, {
      method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${registrationAccessToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'manual',
    })
    const expected = method === 'DELETE' ? 204 : 200
    if (response.status === expected) return judge(attempt)
    throw Object.assign(new Error('Unexpected status'), { code: 'OAUTH_RESPONSE_IS_NOT_CONFORM' })
  })
}
