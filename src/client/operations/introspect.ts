import { type IntrospectionResponse, tokenIntrospection } from 'openid-client'
import type { CallOptions } from '../options.js'
import { callEndpoint, type Runtime } from '../runtime.js'
import { requireToken } from './target-parameters.js'

/** What introspection and revocation take beside the token. @group OAuth client */
export interface TokenHintOptions extends CallOptions {
  /** Helps the server to find the token; a wrong hint does no harm. */
  readonly tokenTypeHint?: 'access_token' | 'refresh_token' | undefined
}

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
  requireToken('introspect', 'token', token)
  const call = { operation: 'introspect', endpoint: 'introspection', retry: 'safe', expectsJson: true } as const
  return callEndpoint(runtime, call, options, (config) => tokenIntrospection(config, token, hintParameters(options)))
}
