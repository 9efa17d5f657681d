import { type IntrospectionResponse, tokenIntrospection } from 'openid-client'
import { choice } from '../check.js'
import type { CallOptions } from '../options.js'
import { beginCall, callEndpoint, type Runtime } from '../runtime.js'
import { requireToken } from './target-parameters.js'

/** What introspection and revocation take beside the token. @group OAuth client */
export interface TokenHintOptions extends CallOptions {
  /** Helps the server to find the token; a wrong hint does no harm. */
  readonly tokenTypeHint?: 'access_token' | 'refresh_token' | undefined
}

/** Options of introspection and revocation beside those of every call. */
export const hintShape = { tokenTypeHint: choice('access_token', 'refresh_token') }

/** The hint as a form parameter. */
export function hintParameters({ tokenTypeHint }: TokenHintOptions = {}): Record<string, string> {
  return tokenTypeHint === undefined ? {} : { token_type_hint: tokenTypeHint }
}

/** See {@link OAuthClient.introspect}. */
export async function introspect(
  runtime: Runtime,
  token: string,
  options: TokenHintOptions | undefined,
): Promise<Readonly<IntrospectionResponse>> {
  const call = beginCall(runtime, 'introspect', options, hintShape)
  requireToken(call, 'token', token)
  const request = { endpoint: 'introspection', retry: 'safe', expectsJson: true } as const
  return callEndpoint(runtime, request, call, (config) => tokenIntrospection(config, token, hintParameters(options)))
}
