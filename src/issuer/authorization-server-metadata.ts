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
