/*
 * What a client asks about, or does to, a token it holds: introspection (RFC 7662) and revocation (RFC 7009).
 */
import { type IntrospectionResponse, tokenIntrospection, tokenRevocation } from 'openid-client'
import { choice } from '../../kit/options.js'
import { unexpectedStatus } from '../calls/attempt.js'
import { beginCall, callEndpoint, type Runtime } from '../calls/call-endpoint.js'
import { repeatAttempts, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import type { TokenCache } from './client-credentials.js'
import { requireToken } from './token-request.js'

/** What introspection and revocation take beside the token. @group OAuth client */
export interface TokenHintOptions extends CallOptions {
  /** Helps the server to find the token; a wrong hint does no harm. */
  readonly tokenTypeHint?: 'access_token' | 'refresh_token' | undefined
}

/** Options of introspection and revocation beside those of every call. */
const hintRules = { tokenTypeHint: choice('access_token', 'refresh_token') }

/** The hint as a form parameter. */
function hintParameters({ tokenTypeHint }: TokenHintOptions = {}): Record<string, string> {
  return tokenTypeHint === undefined ? {} : { token_type_hint: tokenTypeHint }
}

/** See {@link OAuthClient.introspect}. */
export async function introspect(
  runtime: Runtime,
  token: string,
  options: TokenHintOptions | undefined,
): Promise<Readonly<IntrospectionResponse>> {
  const call = beginCall(runtime, 'introspect', options, hintRules)
  requireToken(call, 'token', token)
  const request = { endpoint: 'introspection', retry: 'safe', expectsJson: true } as const
  return callEndpoint(runtime, request, call, (config) => tokenIntrospection(config, token, hintParameters(options)))
}

/** See {@link OAuthClient.revoke}. A call that failed may have been heard: the token is forgotten all the same. */
export async function revoke(
  runtime: Runtime,
  cache: TokenCache,
  token: string,
  options: TokenHintOptions | undefined,
): Promise<void> {
  const call = beginCall(runtime, 'revoke', options, hintRules)
  requireToken(call, 'token', token)
  const request = { endpoint: 'revocation', retry: 'safe', expectsJson: false } as const
  try {
    await callEndpoint(runtime, request, call, (config) => tokenRevocation(config, token, hintParameters(options)))
  } finally {
    cache.forget(token)
  }
}

/** A request that revokes a token in the way of one vendor. */
export interface RevocationRequest {
  readonly method: 'POST' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The statuses that say it is done. */
  readonly done: readonly number[]
}

/** Sends a {@link RevocationRequest} as a call of the client, with its time limits, repetitions and circuit. */
export async function sendRevocation(
  runtime: Runtime,
  request: RevocationRequest,
  options: CallOptions | undefined,
): Promise<void> {
  const call = beginCall(runtime, 'revoke', options)
  const spec = { circuit: 'revocation', retry: 'safe', expectsJson: false } as const
  const { done, url, ...init } = request
  await withinCall(runtime, call, (signal) =>
    repeatAttempts(runtime, spec, call, signal, async (attempt) => {
      const { status } = await attempt.fetch(url, { ...init, redirect: 'manual' })
      if (!done.includes(status)) throw unexpectedStatus()
    }),
  )
}
