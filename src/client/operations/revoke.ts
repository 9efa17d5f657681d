import { tokenRevocation } from 'openid-client'
import { callEndpoint, type Runtime } from '../runtime.js'
import type { TokenCache } from '../token-cache.js'
import { hintParameters, type TokenHintOptions } from './introspect.js'
import { requireToken } from './target-parameters.js'

/** See {@link OAuthClient.revoke}. A call that failed may have been heard: the token is forgotten all the same. */
export async function revoke(
  runtime: Runtime,
  cache: TokenCache,
  token: string,
  options: TokenHintOptions | undefined,
): Promise<void> {
  requireToken('revoke', 'token', token)
  const call = { operation: 'revoke', endpoint: 'revocation', retry: 'safe', expectsJson: false } as const
  try {
    await callEndpoint(runtime, call, options, (config) => tokenRevocation(config, token, hintParameters(options)))
  } finally {
    cache.forget(token)
  }
}
