import { tokenRevocation } from 'openid-client'
import { beginCall, callEndpoint, type Runtime } from '../runtime.js'
import type { TokenCache } from '../token-cache.js'
import { hintParameters, hintShape, type TokenHintOptions } from './introspect.js'
import { requireToken } from './target-parameters.js'

/** See {@link OAuthClient.revoke}. A call that failed may have been heard: the token is forgotten all the same. */
export async function revoke(
  runtime: Runtime,
  cache: TokenCache,
  token: string,
  options: TokenHintOptions | undefined,
): Promise<void> {
  const call = beginCall(runtime, 'revoke', options, hintShape)
  requireToken(call, 'token', token)
  const request = { endpoint: 'revocation', retry: 'safe', expectsJson: false } as const
  try {
    await callEndpoint(runtime, request, call, (config) => tokenRevocation(config, token, hintParameters(options)))
  } finally {
    cache.forget(token)
  }
}
