import { ConfigurationError } from '../../errors/index.js'
import { checkUrl } from '../../issuer/identifiers.js'
import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import {
  anything,
  checkOptions,
  flag,
  func,
  integer,
  oneOrMore,
  type Rules,
  takes,
  text,
  toList,
} from '../../kit/options.js'
import type { BindingMode } from '../binding/binding-options.js'

/** Members of the metadata document that no other setting decides (RFC 9728 §2). @group Resource server */
export interface ResourceMetadataOptions {
  readonly name?: string | undefined
  /** Names by BCP 47 language tag, published as `resource_name#tag`. */
  readonly localizedNames?: Readonly<Record<string, string>> | undefined
  readonly documentation?: string | undefined
  readonly policyUri?: string | undefined
  readonly tosUri?: string | undefined
  readonly jwksUri?: string | undefined
  readonly signingAlgorithms?: readonly string[] | undefined
  readonly authorizationDetailsTypes?: readonly string[] | undefined
  /** Gives `signed_metadata`: a JWS over the document's claims, `iss` included (RFC 9728 §2.2). */
  readonly sign?: ((claims: JsonObject) => string | Promise<string>) | undefined
  /** Serve the document at this path as well. Not standard: only clients told of it will look there. */
  readonly metadataAt?: string | undefined
  /**
   * Serve the document at `/.well-known/oauth-protected-resource` as well, whatever the path of the identifier: where MCP
   * clients look last (MCP authorization, "Protected Resource Metadata Discovery Requirements"). One resource of an
   * origin at most. Default: only for the one resource of a server that has an `mcpGate`; false: not there either.
   */
  readonly atRoot?: boolean | undefined
  /** How long clients may cache the document. Default 3600. */
  readonly maxAgeSeconds?: number | undefined
}

const rules: Rules<ResourceMetadataOptions> = {
  name: text,
  localizedNames: takes(
    (value) => isJsonObject(value) && Object.values(value).every((name) => typeof name === 'string' && name !== ''),
    'an object of names by language tag',
  ),
  documentation: anything,
  policyUri: anything,
  tosUri: anything,
  jwksUri: anything,
  signingAlgorithms: oneOrMore,
  authorizationDetailsTypes: oneOrMore,
  sign: func,
  metadataAt: takes(
    (value) => typeof value === 'string' && /^\/[^\s?#]*$/.test(value),
    'a path that starts with a slash',
  ),
  atRoot: flag,
  maxAgeSeconds: integer(0, 31_536_000),
}

/**
 * Checks the further members of a metadata document and takes a copy of them.
 *
 * @throws {@link ConfigurationError}
 */
export function checkResourceMetadata(
  metadata: ResourceMetadataOptions = {},
  insecureHosts: InsecureHosts,
): ResourceMetadataOptions {
  checkOptions('`metadata`', metadata, rules, 'metadata.')
  for (const name of ['documentation', 'policyUri', 'tosUri', 'jwksUri'] as const) {
    if (metadata[name] !== undefined) checkUrl(`metadata.${name}`, metadata[name], insecureHosts)
  }
  const { localizedNames, signingAlgorithms = [], authorizationDetailsTypes = [] } = metadata
  if (signingAlgorithms.includes('none')) {
    throw new ConfigurationError('`metadata.signingAlgorithms` must not hold none (RFC 9728 §2).')
  }
  return Object.freeze({
    ...metadata,
    ...(localizedNames !== undefined && { localizedNames: Object.freeze({ ...localizedNames }) }),
    signingAlgorithms: toList(signingAlgorithms),
    authorizationDetailsTypes: toList(authorizationDetailsTypes),
  })
}

/** What of a resource decides what its document says. */
export interface PublishedResource {
  /** The identifier, byte for byte. */
  readonly resource: string
  /** The issuers that may issue for it; all of them listed, in the order given. */
  readonly issuers: readonly string[]
  readonly scopes: readonly string[]
  readonly bearerMethods: readonly string[]
  /** Whether `Authorization` is looked at; `undefined`: it is. */
  readonly tokenFields?: { readonly authorization: boolean } | undefined
  readonly dpop: BindingMode
  readonly dpopAlgorithms: readonly SignatureAlgorithm[]
  readonly mtls: BindingMode
  readonly metadata: ResourceMetadataOptions
}

/**
 * The metadata document of a resource (RFC 9728 §2), filled from the settings the server really works by; members
 * without a value are left out (§3.2). `signed_metadata` is not in it: see `createPublication`.
 *
 * `offline_access` is never published as a scope: refresh tokens do not concern the resource.
 * `tls_client_certificate_bound_access_tokens` is published only where such tokens are demanded. Accepting them costs a
 * server nothing, but the member would promise that client certificates reach it, which cannot be known behind a proxy.
 */
export function resourceMetadata(resource: PublishedResource): JsonObject {
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
function bearerMethods({ bearerMethods: methods, tokenFields }: PublishedResource): readonly string[] {
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
