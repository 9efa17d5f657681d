/*
 * Finds the metadata of a protected resource (RFC 9728), from its own challenge or at its well-known addresses, and refuses
 * a document that is not its own. Does not choose an authorization server.
 */
import { DiscoveryError, type OAuthClientError } from '../../client/errors.js'
import { isIssuer } from '../../issuer/identifiers.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import { guardedFetch } from '../../kit/fetch/guarded-fetch.js'
import { isStringArray, type JsonObject, ownMember, parseJsonObject } from '../../kit/json.js'
import type { Surroundings } from '../../kit/surroundings.js'

/** What a protected resource says of itself, as far as a client uses it. */
export interface FoundResource {
  /** The identifier, as the resource writes it. */
  readonly resource: string
  /** Where the document was. */
  readonly url: string
  readonly issuers: readonly string[]
  readonly scopes: readonly string[] | undefined
  /** Whether it takes tokens that are bound by DPoP: `required` takes no others. */
  readonly dpop: 'no' | 'yes' | 'required'
}

/** What is asked for. */
export interface FindResource {
  /** The identifier that the application gave. */
  readonly resource: string
  /** The URL whose answer was the challenge. */
  readonly requestUrl: string
  /** `resource_metadata` of the challenge. */
  readonly metadataUrl: string | undefined
  /** Whether the document may be that of a resource above, at the same origin: what MCP allows. */
  readonly allowsParent: boolean
}

const timeoutMs = 5000
const maxBytes = 256 * 1024
const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * The metadata of a resource: where the challenge says, else at the well-known address with the path of the resource, else
 * at that of its origin. `undefined` where there is none at all. The members that are not known are ignored.
 *
 * @throws {@link DiscoveryError} `ERR_RESOURCE_METADATA` for a document of another resource, and for an address in a
 * challenge where there is no document.
 */
export async function findResource(
  asked: FindResource,
  surroundings: Surroundings,
): Promise<FoundResource | undefined> {
  const { metadataUrl, resource } = asked
  if (metadataUrl !== undefined) {
    const document = await load(metadataUrl, new URL(resource).hostname, surroundings)
    if (document === undefined) throw refuse('the address in the challenge has no document')
    return read(document, metadataUrl, asked)
  }
  for (const url of wellKnownUrls(resource)) {
    const document = await load(url, new URL(resource).hostname, surroundings)
    if (document !== undefined) return read(document, url, asked)
  }
  return undefined
}

/** Says to servers of MCP by which revision they are asked. */
export const oldRevision = { 'mcp-protocol-version': '2025-03-26' }

/**
 * The issuer that the origin of a resource names in metadata at its root (RFC 8414): where servers of the revision
 * 2025-03-26 of MCP have theirs, whose metadata names the issuer as it likes. `undefined` where there is none.
 *
 * @throws {@link DiscoveryError} `ERR_RESOURCE_ISSUER` for an issuer of another origin: nothing vouches for it.
 */
export async function issuerAtOrigin(resource: string, surroundings: Surroundings): Promise<string | undefined> {
  const { origin, hostname } = new URL(resource)
  const url = `${origin}/.well-known/oauth-authorization-server`
  const document = await load(url, hostname, surroundings, oldRevision)
  if (document === undefined) return undefined
  const issuer = ownMember(document, 'issuer')
  const isOwn = typeof issuer === 'string' && isIssuer(issuer, surroundings.insecureHosts)
  if (isOwn && new URL(issuer).origin === origin) return issuer
  const detail = 'the origin of the resource names no issuer of its own'
  throw new DiscoveryError('ERR_RESOURCE_ISSUER', { operation: 'discovery', detail })
}

function wellKnownUrls(resource: string): readonly string[] {
  const { origin, pathname, search } = new URL(resource)
  const path = pathname.replace(/\/$/, '')
  const root = `${origin}${wellKnown}`
  const inserted = `${root}${path}${search}`
  return inserted === root ? [root] : [inserted, root]
}

/** `undefined` where there is nothing, by a 4xx or by what is no JSON document. */
async function load(
  url: string,
  trustedHostname: string,
  { fetch, insecureHosts }: Surroundings,
  further: Readonly<Record<string, string>> = {},
): Promise<JsonObject | undefined> {
  const headers = { accept: 'application/json', ...further }
  const rules = { fetch, headers, timeoutMs, maxBytes, insecureHosts, trustedHostnames: [trustedHostname] }
  try {
    const { status, text } = await guardedFetch(url, rules)
    if (status >= 500 || status === 429) throw unavailable(`the address answered ${status}`)
    return status === 200 ? parseJsonObject(text) : undefined
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error
    if (error.reason === 'redirect' || error.reason === 'not_utf8') return undefined
    if (error.reason === 'insecure_url' || error.reason === 'private_address') throw refuse(error.reason)
    throw unavailable(error.reason)
  }
}

function read(document: JsonObject, url: string, asked: FindResource): FoundResource {
  const resource = ownMember(document, 'resource')
  if (typeof resource !== 'string' || !isOwn(resource, asked)) throw refuse('`resource` names another resource')
  const issuers = ownMember(document, 'authorization_servers')
  const scopes = ownMember(document, 'scopes_supported')
  return {
    resource,
    url,
    issuers: isStringArray(issuers) ? issuers : [],
    scopes: isStringArray(scopes) ? scopes : undefined,
    dpop: dpopOf(document),
  }
}

function dpopOf(document: JsonObject): FoundResource['dpop'] {
  if (ownMember(document, 'dpop_bound_access_tokens_required') === true) return 'required'
  const algorithms = ownMember(document, 'dpop_signing_alg_values_supported')
  return isStringArray(algorithms) && algorithms.length > 0 ? 'yes' : 'no'
}

/** RFC 9728 §3.3: the identifier that was asked for, or where a challenge named the document, the URL of the request. */
function isOwn(named: string, { resource, requestUrl, metadataUrl, allowsParent }: FindResource): boolean {
  if (named === resource) return true
  if (metadataUrl !== undefined && named === requestUrl) return true
  return allowsParent && isWithin(resource, named)
}

/**
 * Whether a URL is that of `parent` or below it: the same origin, and its path up to a slash.
 */
export function isWithin(url: string, parent: string): boolean {
  if (!URL.canParse(parent)) return false
  const above = new URL(parent)
  const { origin, pathname } = new URL(url)
  if (origin !== above.origin || above.search !== '' || above.hash !== '' || above.username !== '') return false
  const base = above.pathname.replace(/\/$/, '')
  return pathname === base || pathname.startsWith(`${base}/`)
}

function refuse(detail: string): DiscoveryError {
  return new DiscoveryError('ERR_RESOURCE_METADATA', { operation: 'discovery', detail })
}

function unavailable(detail: string): OAuthClientError {
  return new DiscoveryError('ERR_DISCOVERY_UNAVAILABLE', { operation: 'discovery', detail })
}
