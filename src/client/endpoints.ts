import type { ServerMetadata } from 'openid-client'
import { readSecureUrl } from '../lib/secure-url.js'
import { ClientConfigurationError } from './errors.js'

/** The endpoints a client may talk to. @group OAuth client */
export type EndpointName =
  | 'token'
  | 'introspection'
  | 'revocation'
  | 'registration'
  | 'pushedAuthorizationRequest'
  | 'authorization'

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

const endpointNames = Object.keys(endpointMembers) as readonly EndpointName[]

/**
 * Makes explicit endpoints absolute; a relative one is resolved against the issuer's origin.
 *
 * @throws {@link ClientConfigurationError} unless https (http on loopback where allowed).
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
    if (Object.hasOwn(endpointMembers, name) && readSecureUrl(url, allowInsecureLoopback) !== undefined) return url
    throw new ClientConfigurationError('ERR_CLIENT_CONFIGURATION', {
      message: `\`endpoints.${name}\` must be one of ${endpointNames.join(', ')} and take an https URL or a path.`,
    })
  }
}

/** Where each endpoint is, by precedence: explicit, discovered, customary path. */
export function describeEndpoints(
  issuer: string,
  explicit: Readonly<Partial<Record<EndpointName, string>>>,
  discovered: Partial<ServerMetadata>,
  useDefaultPaths: boolean,
): EndpointDescriptions {
  const described: Partial<Record<EndpointName, EndpointDescription>> = {}
  for (const name of endpointNames) {
    const found = explicit[name] ?? discovered[endpointMembers[name]]
    if (found !== undefined) {
      described[name] = { url: found, source: explicit[name] === undefined ? 'discovered' : 'explicit' }
    } else if (useDefaultPaths) {
      described[name] = { url: `${issuer.replace(/\/$/, '')}${defaultPaths[name]}`, source: 'default' }
    }
  }
  return Object.freeze(described)
}

/** The metadata a call works with: what was discovered, with {@link describeEndpoints} applied. */
export function applyEndpoints(
  issuer: string,
  discovered: Partial<ServerMetadata>,
  described: EndpointDescriptions,
): ServerMetadata {
  const members = Object.entries(described).map(([name, { url }]) => [endpointMembers[name as EndpointName], url])
  return { ...discovered, ...Object.fromEntries(members), issuer }
}
