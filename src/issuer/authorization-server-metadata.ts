import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { type InsecureHosts, readSecureUrl } from '../kit/fetch/secure-url.js'
import { freezeWithin, type JsonObject, ownMember } from '../kit/json.js'

/**
 * What an authorization server says of itself, by the names of RFC 8414 §2, RFC 8705 §5, RFC 9126 §5, RFC 9207 §3 and RFC
 * 9449 §5.1. Only `issuer` has been checked: any other member may be of another type than it should, and is judged where
 * it is used.
 *
 * @group OAuth client
 */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly authorization_endpoint?: string
  readonly token_endpoint?: string
  readonly jwks_uri?: string
  readonly registration_endpoint?: string
  readonly introspection_endpoint?: string
  readonly revocation_endpoint?: string
  readonly pushed_authorization_request_endpoint?: string
  readonly device_authorization_endpoint?: string
  readonly end_session_endpoint?: string
  readonly userinfo_endpoint?: string
  readonly mtls_endpoint_aliases?: Readonly<Record<string, string>>
  readonly scopes_supported?: readonly string[]
  readonly response_types_supported?: readonly string[]
  readonly grant_types_supported?: readonly string[]
  readonly code_challenge_methods_supported?: readonly string[]
  readonly token_endpoint_auth_methods_supported?: readonly string[]
  readonly token_endpoint_auth_signing_alg_values_supported?: readonly string[]
  readonly introspection_signing_alg_values_supported?: readonly string[]
  readonly id_token_signing_alg_values_supported?: readonly string[]
  readonly dpop_signing_alg_values_supported?: readonly string[]
  readonly authorization_response_iss_parameter_supported?: boolean
  readonly require_pushed_authorization_requests?: boolean
  readonly [name: string]: unknown
}

const endpointName = /(?:_endpoint|^jwks_uri)$/
const maxDepth = 32

/**
 * Reads the metadata document of `issuer`: its `issuer` must be that very text (RFC 8414 §3.3). No other member is
 * looked at.
 *
 * @throws {@link FetchFailure} `issuer_mismatch`.
 */
export function readMetadata(document: JsonObject, issuer: string): AuthorizationServerMetadata {
  if (ownMember(document, 'issuer') !== issuer) throw new FetchFailure('issuer_mismatch')
  return Object.freeze(document) as AuthorizationServerMetadata
}

/**
 * The members that can be used, frozen: a null, an empty list (RFC 8414 §3.2), an endpoint that is not https and a member
 * nested deeper than 32 levels are as good as absent, so that a wrong member fails the one who needs it; all others are
 * kept as they came.
 */
export function usableMetadata(
  metadata: AuthorizationServerMetadata,
  insecureHosts: InsecureHosts,
): AuthorizationServerMetadata {
  const members = Object.entries(metadata).filter(([name, value]) => isUsable(name, value, insecureHosts))
  return Object.freeze(Object.fromEntries(members)) as AuthorizationServerMetadata
}

function isUsable(name: string, value: unknown, insecureHosts: InsecureHosts): boolean {
  if (value === null || (Array.isArray(value) && value.length === 0)) return false
  if (endpointName.test(name)) {
    return typeof value === 'string' && readSecureUrl(value, insecureHosts) !== undefined
  }
  return freezeWithin(value, maxDepth)
}
