import { allowInsecureRequests, customFetch, dynamicClientRegistration } from 'openid-client'
import type { JsonObject } from '../../lib/json.js'
import { createCustomFetch } from '../configuration.js'
import { ResponseError } from '../errors.js'
import type { CallOptions } from '../options.js'
import { callEndpoint, type Runtime, refuseArgument } from '../runtime.js'
import { type ClientMetadata, type RegisteredClient, toRegisteredClient } from './registered-client.js'

/** What {@link OAuthClient.register} takes beside the metadata. @group Registration */
export interface RegisterOptions extends CallOptions {
  /** Lets this client register, where the server does not let everybody (RFC 7591 §3). */
  readonly initialAccessToken?: string | undefined
}

/** See {@link OAuthClient.register}. */
export async function register(
  runtime: Runtime,
  metadata: ClientMetadata,
  options: RegisterOptions | undefined,
): Promise<RegisteredClient> {
  checkMetadata(metadata)
  const { settings } = runtime
  const call = { operation: 'register', endpoint: 'registration', retry: 'rate_limited', expectsJson: true } as const
  return callEndpoint(runtime, call, options, async (config, attempt) => {
    const send = createCustomFetch(settings, attempt)
    const server = JSON.stringify(config.serverMetadata())
    await dynamicClientRegistration(
      new URL('/.well-known/openid-configuration', settings.issuer),
      { ...metadata } as object,
      undefined,
      {
        // The function discovers for itself first: it is told what is known already.
        [customFetch]: (url, init) => (init.method === 'GET' ? Promise.resolve(json(server)) : send(url, init)),
        execute: settings.allowInsecureLoopback ? [allowInsecureRequests] : [],
        ...(options?.initialAccessToken === undefined ? {} : { initialAccessToken: options.initialAccessToken }),
      },
    )
    const registered = toRegisteredClient(settings.issuer, attempt.answer?.json as JsonObject, attempt.context)
    if (isUsable(registered, metadata)) return registered
    throw new ResponseError('ERR_REGISTRATION_UNUSABLE', attempt.context)
  })
}

function json(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}

/** @throws {@link ClientConfigurationError} for `jwks` beside `jwks_uri` (RFC 7591 §2). */
export function checkMetadata(metadata: ClientMetadata): void {
  if (metadata.jwks !== undefined && metadata.jwks_uri !== undefined) {
    refuseArgument('register', 'Client metadata holds `jwks` or `jwks_uri`, never both.')
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
