import { sha256Base64url } from '#crypto'
import type { ResolvedGrant } from './grant.js'
import type { GrantClient } from './grant-client.js'

/**
 * A digest over everything a downstream token depends on besides the caller: authorization server, this client, its
 * proof key, resource, audience, scope, requested type. Computed once per grant and client.
 */
export async function grantDigest(grant: ResolvedGrant, client: GrantClient): Promise<string> {
  const { resource, audience, sendResource, scope, requestedTokenType } = grant
  return sha256Base64url(
    JSON.stringify([
      client.issuer,
      client.clientId,
      (await client.dpop?.thumbprint()) ?? null,
      resource,
      audience,
      sendResource,
      scope,
      requestedTokenType ?? null,
    ]),
  )
}

/** The cache key of one caller's downstream token. All parts are digests of fixed length: nothing can run together. */
export function grantKey(digest: string, subjectTokenHash: string, actorTokenHash: string): string {
  return `${digest}.${subjectTokenHash}.${actorTokenHash}`
}
