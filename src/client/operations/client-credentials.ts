import { clientCredentialsGrant } from 'openid-client'
import { sha256Base64url } from '#crypto'
import type { CallOptions } from '../options.js'
import { type Runtime, refuseArgument } from '../runtime.js'
import type { TokenCache } from '../token-cache.js'
import type { TokenSet } from '../token-set.js'
import { untilAborted } from '../until-aborted.js'
import { requestToken } from './request-token.js'
import { listOf, scopeList, type TokenTarget, targetParameters } from './target-parameters.js'

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
  const operation = 'clientCredentials'
  if (runtime.settings.credential.method === 'none') {
    refuseArgument(operation, 'A public client cannot use the client credentials grant: give the client a credential.')
  }
  const form = targetParameters(operation, target)
  const requestedScope = scopeList(target.scope)
  const shared = { timeoutMs: options?.timeoutMs, correlationId: options?.correlationId }
  const load = () =>
    requestToken(
      runtime,
      {
        operation,
        retry: 'safe',
        requestedScope,
        send: (config, dpop) => clientCredentialsGrant(config, form, dpop),
      },
      shared,
    )
  const key = await keyOf(target)
  const obtain = () => cache.get(key, load, options?.forceRefresh ?? false)
  return untilAborted(obtain, options?.signal, { operation, issuer: runtime.settings.issuer, ...shared })
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
