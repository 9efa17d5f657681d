import { ConfigurationError } from '../errors/index.js'
import type { CircuitName } from '../kit/client-events.js'
import { type InsecureHosts, readSecureUrl } from '../kit/fetch/secure-url.js'
import { type Rules, text } from '../kit/options.js'

/** The endpoints a client may talk to. @group OAuth client */
export type EndpointName = Exclude<CircuitName, 'discovery' | 'registrationManagement'> | 'endSession' | 'jwks'

/** The endpoints that calls of the client go to: each has a circuit. */
export type CalledEndpoint = Exclude<EndpointName, 'endSession' | 'jwks'>

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
  | 'userinfo_endpoint'
  | 'device_authorization_endpoint'
  | 'end_session_endpoint'
  | 'jwks_uri'

/** The metadata member of each endpoint (RFC 8414 §2, RFC 9126 §5, RFC 8628 §4, OpenID Connect). */
export const endpointMembers: Readonly<Record<EndpointName, Member>> = {
  token: 'token_endpoint',
  introspection: 'introspection_endpoint',
  revocation: 'revocation_endpoint',
  registration: 'registration_endpoint',
  pushedAuthorizationRequest: 'pushed_authorization_request_endpoint',
  authorization: 'authorization_endpoint',
  userinfo: 'userinfo_endpoint',
  deviceAuthorization: 'device_authorization_endpoint',
  endSession: 'end_session_endpoint',
  jwks: 'jwks_uri',
}

/** Of the option `endpoints`. */
export const endpointRules: Rules<Record<EndpointName, string>> = {
  token: text,
  introspection: text,
  revocation: text,
  registration: text,
  pushedAuthorizationRequest: text,
  authorization: text,
  userinfo: text,
  deviceAuthorization: text,
  endSession: text,
  jwks: text,
}

/**
 * Makes explicit endpoints absolute; a relative one is resolved against the issuer's origin.
 *
 * @throws {@link ConfigurationError} unless https (http on loopback where allowed).
 */
export function checkEndpoints(
  issuer: string,
  endpoints: Readonly<Partial<Record<EndpointName, string | undefined>>>,
  insecureHosts: InsecureHosts,
): Readonly<Partial<Record<EndpointName, string>>> {
  const given = Object.entries(endpoints).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name, absolute(name, value as string)]))

  function absolute(name: string, value: string): string {
    const url = URL.canParse(value, issuer) ? new URL(value, new URL(issuer).origin).href : ''
    if (readSecureUrl(url, insecureHosts) !== undefined) return url
    throw new ConfigurationError(`\`endpoints.${name}\` takes an https URL or a path.`)
  }
}
