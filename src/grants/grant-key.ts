/** The key that tokens of one grant are kept by. */
import { sha256Base64url } from '#crypto'
import { passage } from '../auth/auth.js'
import { type MaybePromise, whenReady } from '../kit/maybe-promise.js'
import type { ExchangeRequest, GrantClient } from './exchange.js'
import type { GrantSettings } from './grant.js'

/**
 * The cache key of one caller's downstream token: a digest over the caller's whole token and its issuer, the actor,
 * the authorization server, this client and its proof key, and every part of the grant. Two callers share an entry only
 * by sharing all of it. Says nothing about the tokens in it.
 */
export function grantKey(request: ExchangeRequest): MaybePromise<string> {
  const { auth, grant, client, actor } = request
  const description = describe(grant, client)
  const { tokenHash } = auth[passage]
  const { dpop } = client
  if (dpop !== undefined || actor !== undefined || tokenHash === undefined) {
    return whenReady(dpop?.thumbprint(), (thumbprint) => digestOf(request, description, thumbprint))
  }
  const known = description.keys.get(tokenHash)
  if (known?.issuer === auth.issuer) return known.key
  return whenReady(digestOf(request, description, undefined), (key) => {
    if (description.keys.size >= maxKnownKeys) description.keys.clear()
    description.keys.set(tokenHash, { issuer: auth.issuer, key })
    return key
  })
}

function digestOf({ auth, actor }: ExchangeRequest, { text }: Description, thumbprint: string | undefined) {
  const aboutActor = actor === undefined ? null : [actor.type, actor.token]
  const aboutCaller = JSON.stringify([thumbprint ?? null, auth.issuer, aboutActor])
  // Two arrays, each of which ends where it ends, and the hash is all the rest: nothing can run together.
  const about = text + aboutCaller
  return whenReady(auth[passage].tokenHash ?? sha256Base64url(auth.token), (hash) => sha256Base64url(about + hash))
}

/** What does not change between two requests to one route. */
interface Description {
  readonly clientId: string | undefined
  readonly text: string
  /** By the hash of the caller's token, where there is no actor and no proof key: a hit then makes no hash. */
  readonly keys: Map<string, { readonly issuer: string; readonly key: string }>
}

/** For each grant. Beyond them all are forgotten. */
const maxKnownKeys = 1000

const descriptions = new WeakMap<GrantSettings, WeakMap<GrantClient, Description>>()

function describe(grant: GrantSettings, client: GrantClient): Description {
  const { clientId } = client
  const known = descriptions.get(grant)?.get(client)
  if (known !== undefined && known.clientId === clientId) return known
  const { resource, audience, sendResource, scope, allowNarrowerScope, requestedTokenType = null } = grant
  const asked = [resource, audience, sendResource, scope, allowNarrowerScope, requestedTokenType]
  // A client that does not know its identifier yet shares with no other.
  const text = JSON.stringify([client.issuer, clientId ?? [crypto.randomUUID()], ...asked])
  const perClient = descriptions.get(grant) ?? new WeakMap<GrantClient, Description>()
  const description = { clientId, text, keys: new Map() }
  descriptions.set(grant, perClient.set(client, description))
  return description
}
