import type { JsonObject } from '../../kit/json.js'
import type { ResolvedResource } from '../options/resolved.js'
import type { ResourceMetadataOptions } from '../options/types.js'

/**
 * The metadata document of a resource (RFC 9728 §2), filled from the settings the server really works by; members
 * without a value are left out (§3.2). `signed_metadata` is not in it: see `createPublication`.
 *
 * `offline_access` is never published as a scope: a refresh token is no business of the resource.
 * `tls_client_certificate_bound_access_tokens` is published only where such tokens are demanded. Accepting them costs a
 * server nothing, but the member would promise that client certificates reach it, which behind a proxy nobody knows.
 */
export function resourceMetadata(resource: ResolvedResource): JsonObject {
  const { metadata } = resource
  return withoutZeroValues({
    resource: resource.resource,
    authorization_servers: resource.issuers,
    jwks_uri: metadata.jwksUri,
    scopes_supported: resource.scopes.filter((scope) => scope !== 'offline_access'),
    bearer_methods_supported: bearerMethods(resource),
    resource_signing_alg_values_supported: metadata.signingAlgorithms?.filter((algorithm) => algorithm !== 'none'),
    ...names(metadata),
    resource_documentation: metadata.documentation,
    resource_policy_uri: metadata.policyUri,
    resource_tos_uri: metadata.tosUri,
    tls_client_certificate_bound_access_tokens: resource.mtls === 'required',
    authorization_details_types_supported: metadata.authorizationDetailsTypes,
    dpop_signing_alg_values_supported: resource.dpop === 'off' ? undefined : resource.dpopAlgorithms,
    dpop_bound_access_tokens_required: resource.dpop === 'required',
  })
}

/** `header` is the `Authorization` field, which a proxy in front may leave no use for. */
function bearerMethods({ bearerMethods: methods, tokenFields }: ResolvedResource): readonly string[] {
  return tokenFields?.authorization === false ? methods.filter((method) => method !== 'header') : methods
}

/** RFC 9728 §2.1: readers who speak none of the languages need a name as well, so the first one stands in. */
function names({ name, localizedNames = {} }: ResourceMetadataOptions): JsonObject {
  const tagged = Object.entries(localizedNames).map(([tag, text]) => [`resource_name#${tag}`, text] as const)
  return { resource_name: name ?? tagged[0]?.[1], ...Object.fromEntries(tagged) }
}

function withoutZeroValues(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => hasValue(value)))
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0)
}
