import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { JsonObject } from '../kit/json.js'
import { endpointUrl } from './endpoints.js'

/** The issuer's metadata (RFC 8414 §2): what it really serves, then what the caller adds or, by `undefined`, removes. */
export function metadataDocument(
  issuer: string,
  algorithms: readonly SignatureAlgorithm[],
  extra: JsonObject,
): JsonObject {
  const authMethods = ['client_secret_basic', 'client_secret_post']
  return {
    issuer,
    jwks_uri: endpointUrl(issuer, 'jwks'),
    token_endpoint: endpointUrl(issuer, 'token'),
    introspection_endpoint: endpointUrl(issuer, 'introspect'),
    grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    token_endpoint_auth_methods_supported: authMethods,
    introspection_endpoint_auth_methods_supported: authMethods,
    introspection_signing_alg_values_supported: algorithms,
    dpop_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
    ...extra,
  }
}
