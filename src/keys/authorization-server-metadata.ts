import { FetchFailure } from '../lib/fetch-failure.js'
import { freezeWithin, isJsonObject, isStringArray, type JsonObject, ownMember } from '../lib/json.js'
import { readSecureUrl } from '../lib/secure-url.js'

type EndpointMember =
  | 'authorization_endpoint'
  | 'token_endpoint'
  | 'jwks_uri'
  | 'registration_endpoint'
  | 'introspection_endpoint'
  | 'revocation_endpoint'
  | 'pushed_authorization_request_endpoint'
  | 'device_authorization_endpoint'
  | 'userinfo_endpoint'
  | 'end_session_endpoint'

const listMembers = [
  'scopes_supported',
  'response_types_supported',
  'response_modes_supported',
  'grant_types_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'revocation_endpoint_auth_methods_supported',
  'introspection_endpoint_auth_methods_supported',
  'code_challenge_methods_supported',
  'dpop_signing_alg_values_supported',
  'authorization_details_types_supported',
  'acr_values_supported',
  'protected_resources',
  'identity_chaining_requested_token_types_supported',
  'authorization_grant_profiles_supported',
] as const

const switchMembers = [
  'authorization_response_iss_parameter_supported',
  'require_pushed_authorization_requests',
  'require_signed_request_object',
  'tls_client_certificate_bound_access_tokens',
  'client_id_metadata_document_supported',
] as const

/**
 * Authorization server metadata (RFC 8414 §2 and later registrations). Frozen; unknown members are kept as they came.
 * Where the document says nothing, the defaults of RFC 8414 §2 stand in the members that have one; an absent
 * `code_challenge_methods_supported` stays absent and means no PKCE.
 */
export interface AuthorizationServerMetadata
  extends Readonly<Partial<Record<EndpointMember, string>>>,
    Readonly<Partial<Record<(typeof listMembers)[number], readonly string[]>>>,
    Readonly<Partial<Record<(typeof switchMembers)[number], boolean>>> {
  readonly issuer: string
  /** Endpoints for clients that authenticate by certificate (RFC 8705 §5), by name. */
  readonly mtls_endpoint_aliases?: Readonly<Record<string, string>>
  readonly response_modes_supported: readonly string[]
  readonly grant_types_supported: readonly string[]
  readonly token_endpoint_auth_methods_supported: readonly string[]
  readonly revocation_endpoint_auth_methods_supported: readonly string[]
  readonly [name: string]: unknown
}

const defaults = freezeDefaults({
  response_modes_supported: ['query', 'fragment'],
  grant_types_supported: ['authorization_code', 'implicit'],
  token_endpoint_auth_methods_supported: ['client_secret_basic'],
  revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
})

const lists: ReadonlySet<string> = new Set(listMembers)
const switches: ReadonlySet<string> = new Set(switchMembers)
const endpointName = /(?:_endpoint|^jwks_uri)$/
const aliasesName = 'mtls_endpoint_aliases'
const maxDepth = 32

/**
 * Reads the metadata document of `issuer`. Its `issuer` must be that very text (RFC 8414 §3.3), and every endpoint in
 * it https. Empty lists and nulls are as good as absent (RFC 8414 §3.2), and so is one of the known lists that holds
 * anything but strings; a known switch that is no boolean spoils the document.
 *
 * @throws {@link FetchFailure} `malformed`, `issuer_mismatch` or `insecure_endpoint`.
 */
export function readMetadata(
  document: JsonObject,
  issuer: string,
  allowInsecureLoopback: boolean,
): AuthorizationServerMetadata {
  if (!freezeWithin(document, maxDepth)) throw new FetchFailure('malformed')
  if (ownMember(document, 'issuer') !== issuer) throw new FetchFailure('issuer_mismatch')
  const members = Object.entries(document).filter(([name, value]) => isStated(name, value))
  for (const [name, value] of members) checkMember(name, value, allowInsecureLoopback)
  return Object.freeze(Object.fromEntries([...defaults, ...members])) as AuthorizationServerMetadata
}

function freezeDefaults(members: Record<string, readonly string[]>): readonly [string, readonly string[]][] {
  return Object.entries(members).map(([name, values]) => [name, Object.freeze(values)])
}

function isStated(name: string, value: unknown): boolean {
  if (value === null || (Array.isArray(value) && value.length === 0)) return false
  return !lists.has(name) || isStringArray(value)
}

function checkMember(name: string, value: unknown, allowInsecureLoopback: boolean): void {
  if (switches.has(name) && typeof value !== 'boolean') throw new FetchFailure('malformed')
  if (endpointName.test(name)) checkEndpoint(value, allowInsecureLoopback)
  if (name !== aliasesName) return
  if (!isJsonObject(value)) throw new FetchFailure('malformed')
  for (const alias of Object.values(value)) checkEndpoint(alias, allowInsecureLoopback)
}

function checkEndpoint(value: unknown, allowInsecureLoopback: boolean): void {
  if (typeof value !== 'string') throw new FetchFailure('malformed')
  if (readSecureUrl(value, allowInsecureLoopback) === undefined) throw new FetchFailure('insecure_endpoint')
}
