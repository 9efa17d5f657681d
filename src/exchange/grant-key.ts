import { sha256Base64url } from '#crypto'
import type { Auth } from '../auth/auth.js'
import type { ActorToken, ResolvedGrant } from './grant.js'
import type { GrantClient } from './grant-client.js'

/** Everything a downstream token depends on. */
export interface GrantKeyParts {
  readonly auth: Auth<unknown>
  readonly grant: ResolvedGrant
  readonly client: GrantClient
  readonly actor: ActorToken | undefined
}

/**
 * The cache key of one caller's downstream token: a digest over the caller's whole token and its issuer, the actor,
 * the authorization server, this client and its proof key, and every part of the grant. Two callers share an entry only
 * by sharing all of it. Says nothing about the tokens in it.
 */
export async function grantKey({ auth, grant, client, actor }: GrantKeyParts): Promise<string> {
  const { resource, audience, sendResource, scope, allowNarrowerScope, requestedTokenType } = grant
  const thumbprint = await client.dpop?.thumbprint()
  const aboutToken = JSON.stringify([
    client.issuer,
    client.clientId,
    thumbprint ?? null,
    resource,
    audience,
    sendResource,
    scope,
    allowNarrowerScope,
    requestedTokenType ?? null,
    auth.issuer,
    actor === undefined ? null : [actor.type, actor.token],
  ])
  // The array ends where it ends, and the token is all the rest: nothing can run together.
  return sha256Base64url(aboutToken + auth.token)
}
