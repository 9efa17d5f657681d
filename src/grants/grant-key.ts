import { sha256Base64url } from '#crypto'
import type { Auth } from '../auth/auth.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
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
export function grantKey({ auth, grant, client, actor }: GrantKeyParts): MaybePromise<string> {
  return whenReady(client.dpop?.thumbprint(), (thumbprint) => {
    const aboutActor = actor === undefined ? null : [actor.type, actor.token]
    const aboutCaller = JSON.stringify([thumbprint ?? null, auth.issuer, aboutActor])
    // Two arrays, each of which ends where it ends, and the token is all the rest: nothing can run together.
    return sha256Base64url(aboutRequest(grant, client) + aboutCaller + auth.token)
  })
}

/** What does not change between two requests to one route. */
interface Description {
  readonly clientId: string | undefined
  readonly text: string
}

const descriptions = new WeakMap<ResolvedGrant, WeakMap<GrantClient, Description>>()

function aboutRequest(grant: ResolvedGrant, client: GrantClient): string {
  const { clientId } = client
  const known = descriptions.get(grant)?.get(client)
  if (known !== undefined && known.clientId === clientId) return known.text
  const { resource, audience, sendResource, scope, allowNarrowerScope, requestedTokenType = null } = grant
  const asked = [resource, audience, sendResource, scope, allowNarrowerScope, requestedTokenType]
  // A client that does not know its identifier yet shares with nobody else.
  const text = JSON.stringify([client.issuer, clientId ?? [crypto.randomUUID()], ...asked])
  const perClient = descriptions.get(grant) ?? new WeakMap<GrantClient, Description>()
  descriptions.set(grant, perClient.set(client, { clientId, text }))
  return text
}
