import { ConfigurationError } from '../errors/index.js'
import type { AuthorizationServerMetadata } from '../issuer/authorization-server-metadata.js'
import type { CircuitName } from '../kit/events.js'
import { readSecureUrl } from '../kit/fetch/secure-url.js'
import { isJsonObject, type JsonObject, ownMember } from '../kit/json.js'

/** The endpoints a client may talk to. @group OAuth client */
export type EndpointName = Exclude<CircuitName, 'discovery' | 'registrationManagement'>

/** An endpoint, and who named it: your options, the server's metadata, or the customary path. @group OAuth client */
export interface EndpointDescription {
  readonly url: string
  readonly source: 'explicit' | 'discovered' | 'default'
}

/** @group OAuth client */
export type EndpointDescriptions = Readonly<Partial<Record<EndpointName, EndpointDescription>>>

type Member =
  | 'token_endpoint'
  | 'introspection_endpoint'
  | 'revocation_endpoint'
  | 'registration_endpoint'
  | 'pushed_authorization_request_endpoint'
  | 'authorization_endpoint'

/** The metadata member of each endpoint (RFC 8414 §2, RFC 9126 §5). */
export const endpointMembers: Readonly<Record<EndpointName, Member>> = {
  token: 'token_endpoint',
  introspection: 'introspection_endpoint',
  revocation: 'revocation_endpoint',
  registration: 'registration_endpoint',
  pushedAuthorizationRequest: 'pushed_authorization_request_endpoint',
  authorization: 'authorization_endpoint',
}

const defaultPaths: Readonly<Record<EndpointName, string>> = {
  token: '/oauth2/token',
  introspection: '/oauth2/introspect',
  revocation: '/oauth2/revoke',
  registration: '/oauth2/register',
  pushedAuthorizationRequest: '/oauth2/par',
  authorization: '/oauth2/authorize',
}

/** What decides where endpoints are, beside the metadata. */
interface EndpointSettings {
  readonly issuer: string
  readonly endpoints: Readonly<Partial<Record<EndpointName, string>>>
  readonly defaultPaths: boolean
  readonly mtls: boolean
}

const endpointNames = Object.keys(endpointMembers) as readonly EndpointName[]

/**
 * Makes explicit endpoints absolute; a relative one is resolved against the issuer's origin.
 *
 * @throws {@link ConfigurationError} unless https (http on loopback where allowed).
 */
export function resolveExplicitEndpoints(
  issuer: string,
  endpoints: Readonly<Partial<Record<EndpointName, string | undefined>>>,
  allowInsecureLoopback: boolean,
): Readonly<Partial<Record<EndpointName, string>>> {
  const given = Object.entries(endpoints).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, absolute(name, value as string)]))

  function absolute(name: string, value: string): string {
    const url = URL.canParse(value, issuer) ? new URL(value, new URL(issuer).origin).href : ''
    if (readSecureUrl(url, allowInsecureLoopback) !== undefined) return url
    throw new ConfigurationError(`\`endpoints.${name}\` takes an https URL or a path.`)
  }
}

/** What the metadata says of an endpoint: of whatever type, since it was not checked yet. */
function discoveredEndpoint(name: EndpointName, discovered: JsonObject, mtls: boolean): unknown {
  const member = endpointMembers[name]
  const plain = ownMember(discovered, member) ?? undefined
  // RFC 8705 §5: an authorization endpoint has no alias, as the browser goes there.
  const aliases = mtls && name !== 'authorization' ? ownMember(discovered, 'mtls_endpoint_aliases') : undefined
  if (aliases === undefined || aliases === null) return plain
  return isJsonObject(aliases) ? (ownMember(aliases, member) ?? plain) : aliases
}

/**
 * The metadata a call works with: what was discovered, with explicit endpoints, aliases for mutual TLS, and customary
 * paths in the place of the endpoint members. Judges no member.
 */
export function applyEndpoints(
  { issuer, endpoints: explicit, defaultPaths: useDefaultPaths, mtls }: EndpointSettings,
  discovered: JsonObject,
): { readonly metadata: AuthorizationServerMetadata; readonly endpoints: EndpointDescriptions } {
  const described: Partial<Record<EndpointName, EndpointDescription>> = {}
  const members: Record<string, unknown> = {}
  for (const name of endpointNames) {
    const found = discoveredEndpoint(name, discovered, mtls)
    const fallback = useDefaultPaths ? `${issuer.replace(/\/$/, '')}${defaultPaths[name]}` : undefined
    const url = explicit[name] ?? found ?? fallback
    if (url === undefined) continue
    members[endpointMembers[name]] = url
    if (typeof url === 'string') described[name] = { url, source: sourceOf(explicit[name], found) }
  }
  return {
    endpoints: Object.freeze(described),
    metadata: Object.freeze({ ...discovered, ...members, issuer }),
  }
}

function sourceOf(explicit: string | undefined, found: unknown): EndpointDescription['source'] {
  if (explicit !== undefined) return 'explicit'
  return found === undefined ? 'default' : 'discovered'
}
