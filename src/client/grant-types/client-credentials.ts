import { clientCredentialsGrant } from 'openid-client'
import { sha256Base64url } from '#crypto'
import { flag } from '../check.js'
import type { CallOptions } from '../options.js'
import { joinWork } from '../run-call.js'
import { beginCall, checkParams, type Runtime, refuseArgument } from '../runtime.js'
import type { TokenCache } from '../token-cache.js'
import type { TokenSet } from '../token-set.js'
import { requestToken } from './request-token.js'
import { listOf, scopeList, type TokenTarget, targetParameters, targetShape } from './target-parameters.js'

/** What {@link OAuthClient.clientCredentials} takes beside the target. @group OAuth client */
export interface ClientCredentialsOptions extends CallOptions {
  /** Ask the server even if a usable token is known: for one a resource just refused. Default false. */
  readonly forceRefresh?: boolean | undefined
}

/** See {@link OAuthClient.clientCredentials}. */
export async function clientCredentials(
  runtime: Runtime,
  cache: TokenCache,
  target: TokenTarget,
  options: ClientCredentialsOptions | undefined,
): Promise<TokenSet> {
  const { settings } = runtime
  const call = beginCall(runtime, 'clientCredentials', options, { forceRefresh: flag })
  checkParams(call, target, targetShape)
  if (settings.authMethod === 'none') {
    refuseArgument(call, 'A public client cannot use the client credentials grant: give the client a credential.')
  }
  const form = targetParameters(call, target)
  const request = {
    retry: 'safe',
    requestedScope: scopeList(target.scope),
    send: (config, dpop) => clientCredentialsGrant(config, form, dpop),
  } satisfies Parameters<typeof requestToken>[1]
  const load = () => requestToken(runtime, request, { ...call, signal: undefined })
  const key = await keyOf(target)
  return joinWork(settings, call, () => cache.get(key, load, options?.forceRefresh ?? false))
}

/**
 * Everything that tells one token from another; issuer, client, credential and binding are those of the client the
 * cache belongs to. Order of scopes, resources and parameters means nothing.
 */
async function keyOf({ scope, resource, audience, parameters = {} }: TokenTarget): Promise<string> {
  const sorted = [scopeList(scope), listOf(resource), listOf(audience)].map((list) => [...list].sort())
  const further = Object.entries(parameters).sort(([left], [right]) => (left < right ? -1 : 1))
  return sha256Base64url(JSON.stringify([...sorted, further]))
}
