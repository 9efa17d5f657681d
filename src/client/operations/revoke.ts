import { tokenRevocation } from 'openid-client'
import { callEndpoint, type Runtime } from '../runtime.js'
import { hintParameters, type TokenHintOptions } from './introspect.js'
import { requireToken } from './target-parameters.js'

/** See {@link OAuthClient.revoke}. */
export async function revoke(runtime: Runtime, token: string, options: TokenHintOptions | undefined): Promise<void> {
  requireToken('revoke', 'token', token)
  const call = { operation: 'revoke', endpoint: 'revocation', retry: 'safe', expectsJson: false } as const
  await callEndpoint(runtime, call, options, (config) => tokenRevocation(config, token, hintParameters(options)))
}
