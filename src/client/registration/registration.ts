/*
 * Dynamic registration (RFC 7591) and its management (RFC 7592). Stores nothing.
 */
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import { text } from '../../kit/options.js'
import { type Answer, type Attempt, unexpectedStatus } from '../calls/attempt.js'
import { beginCall, endpointIn, type Runtime, refuseArgument } from '../calls/call-endpoint.js'
import { type Call, type CallSettings, contextOf, repeatAttempts, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { CredentialError, ResponseError } from '../errors.js'
import { type ClientMetadata, type RegisteredClient, toRegisteredClient } from './registered-client.js'

/** What {@link OAuthClient.register} takes beside the metadata. @group Registration */
export interface RegisterOptions extends CallOptions {
  /** Lets this client register, where the server does not let everybody (RFC 7591 §3). */
  readonly initialAccessToken?: string | undefined
}

/** One request of RFC 7591 or RFC 7592. */
interface RegistrationRequest {
  readonly method: 'POST' | 'GET' | 'PUT' | 'DELETE'
  /** Default: the registration endpoint of the server. */
  readonly url: string | undefined
  /** What the request is allowed by. */
  readonly token: string | undefined
  readonly body?: JsonObject | undefined
  readonly expectedStatus: 200 | 201 | 204
}

const creating = { circuit: 'registration', retry: 'rate_limited', expectsJson: true } as const
const reading = { circuit: 'registrationManagement', retry: 'safe', expectsJson: true } as const
const updating = { circuit: 'registrationManagement', retry: 'rate_limited', expectsJson: true } as const
const deleting = { circuit: 'registrationManagement', retry: 'rate_limited', expectsJson: false } as const

/** See {@link OAuthClient.register}. Needs no identifier or credential of this client. */
export async function register(
  runtime: Runtime,
  metadata: ClientMetadata,
  options: RegisterOptions | undefined,
): Promise<RegisteredClient> {
  const call = beginCall(runtime, 'register', options, { initialAccessToken: text })
  checkMetadata(call, metadata)
  const token = options?.initialAccessToken
  const request = { method: 'POST', url: undefined, token, body: metadata, expectedStatus: 201 } as const
  return send(runtime, creating, call, request, ({ answer, context }) => {
    const registered = toRegisteredClient(runtime.settings.issuer, jsonOf(answer, context), context)
    if (isUsable(registered, metadata)) return registered
    throw new ResponseError('ERR_REGISTRATION_UNUSABLE', context)
  })
}

/** See {@link OAuthClient.readRegistration}. */
export async function readRegistration(
  runtime: Runtime,
  client: RegisteredClient,
  options: CallOptions | undefined,
): Promise<RegisteredClient> {
  const call = beginCall(runtime, 'readRegistration', options)
  const request = { ...management(call, client), method: 'GET', expectedStatus: 200 } as const
  return send(runtime, reading, call, request, (attempt) => updated(client, attempt))
}

/** See {@link OAuthClient.updateRegistration}. */
export async function updateRegistration(
  runtime: Runtime,
  client: RegisteredClient,
  metadata: ClientMetadata,
  options: CallOptions | undefined,
): Promise<RegisteredClient> {
  const call = beginCall(runtime, 'updateRegistration', options)
  checkMetadata(call, metadata)
  const body = updateBody(client, metadata)
  const request = { ...management(call, client), method: 'PUT', body, expectedStatus: 200 } as const
  return send(runtime, updating, call, request, (attempt) => updated(client, attempt))
}

/** See {@link OAuthClient.deleteRegistration}. */
export async function deleteRegistration(
  runtime: Runtime,
  client: RegisteredClient,
  options: CallOptions | undefined,
): Promise<void> {
  const call = beginCall(runtime, 'deleteRegistration', options)
  const request = { ...management(call, client), method: 'DELETE', expectedStatus: 204 } as const
  await send(runtime, deleting, call, request, () => undefined)
}

/** @throws {@link ClientCallError} for anything but an object of metadata, and `jwks` beside `jwks_uri` (RFC 7591 §2). */
function checkMetadata(call: Call, metadata: ClientMetadata): void {
  if (!isJsonObject(metadata)) refuseArgument(call, 'Client metadata is an object.')
  if (metadata.jwks !== undefined && metadata.jwks_uri !== undefined) {
    refuseArgument(call, 'Client metadata holds `jwks` or `jwks_uri`, never both.')
  }
}

/**
 * The server may register other values than were asked for, and they are what counts (RFC 7591 §3.2.1). An
 * authentication method that was not asked for is usable only if all it needs came back.
 */
function isUsable({ metadata, clientSecret }: RegisteredClient, asked: ClientMetadata): boolean {
  const method = metadata['token_endpoint_auth_method'] ?? asked.token_endpoint_auth_method ?? 'client_secret_basic'
  if (method === 'none') return true
  if (typeof method === 'string' && method.startsWith('client_secret_')) return clientSecret !== undefined
  return method === asked.token_endpoint_auth_method
}

/** Where a registration is managed, and by which token. */
function management(call: Call, client: RegisteredClient): { readonly url: string; readonly token: string } {
  const { issuer, registrationClientUri: url, registrationAccessToken: token } = client ?? {}
  if (issuer !== call.issuer) throw new CredentialError('ERR_CREDENTIAL_ISSUER', contextOf(call))
  if (url !== undefined && token !== undefined) return { url, token }
  return refuseArgument(call, 'The server gave this registration no address and token to manage it with (RFC 7592).')
}

/** Members that only the server decides (RFC 7592 §2.2); a client never chooses its own secret. */
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
function updated(client: RegisteredClient, { answer, context }: Attempt): RegisteredClient {
  const json = jsonOf(answer, context)
  const credentials = Object.fromEntries(
    serverMembers.flatMap((name) => (client.raw[name] === undefined ? [] : [[name, client.raw[name]]])),
  )
  const registered = toRegisteredClient(client.issuer, { ...credentials, ...json }, context)
  if (registered.clientId !== client.clientId) throw new ResponseError('ERR_REGISTRATION_UNUSABLE', context)
  return registered
}

function jsonOf(answer: Answer | undefined, context: Attempt['context']): JsonObject {
  if (answer?.json === undefined) throw new ResponseError('ERR_RESPONSE_MALFORMED', context)
  return answer.json
}

function send<T>(
  runtime: Runtime,
  spec: CallSettings,
  call: Call,
  { method, url, token, body, expectedStatus }: RegistrationRequest,
  read: (attempt: Attempt) => T,
): Promise<T> {
  return withinCall(runtime, call, async (signal) => {
    const address = url ?? endpointIn((await runtime.server()).metadata, call, 'registration')
    return repeatAttempts(runtime, spec, call, signal, async (attempt) => {
      const response = await attempt.fetch(address, {
        method,
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: 'manual',
      })
      if (response.status === expectedStatus) return read(attempt)
      throw unexpectedStatus()
    })
  })
}
