import { ConfigurationError } from '../errors/index.js'
import { checkUrl } from '../issuer/identifiers.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { InsecureHosts } from '../kit/fetch/secure-url.js'
import { anything, checkOptions, choice, oneOrMore, type Rules, toList } from '../kit/options.js'
import { type BindingMode, bindingModes } from './binding/binding-options.js'
import {
  checkResourceMetadata,
  type PublishedResource,
  type ResourceMetadataOptions,
} from './metadata/resource-metadata.js'
import { isScope } from './policy/scope-expression.js'
import type { TokenTarget } from './token/audience.js'
import type { BearerMethod, TokenFields } from './token/read-credentials.js'

/** One protected resource: its identifier, its rules, and what its metadata document says (RFC 9728). @group Resource server */
export interface ResourceOptions {
  /** The resource identifier, kept byte for byte: an https URL without fragment. */
  readonly resource: string
  /** Accepted `aud` values. Default: only the identifier. */
  readonly audience?: string | readonly string[] | undefined
  /** Which of the server's issuers may issue for this resource. Default: all. */
  readonly issuers?: readonly string[] | undefined
  /** Published as `scopes_supported`. Default none. */
  readonly scopes?: readonly string[] | undefined
  /** Ways to send a token. Default `['header']`; `query` is legacy and leaks into logs. */
  readonly bearerMethods?: readonly BearerMethod[] | undefined
  readonly dpop?: BindingMode | undefined
  readonly mtls?: BindingMode | undefined
  /** Further members of the metadata document. */
  readonly metadata?: ResourceMetadataOptions | undefined
}

/** A resource with every default filled in: what tokens, bindings and its document are held against. */
export interface ResourceSettings extends TokenTarget, PublishedResource {
  readonly bearerMethods: readonly BearerMethod[]
  /** `undefined`: only in `Authorization`, where header fields are concerned. */
  readonly tokenFields?: TokenFields | undefined
}

/** What a resource takes over from the server when it says nothing itself. */
export interface ResourceSurroundings {
  /** The server's issuers; `undefined` where only a live set of tenants knows them. */
  readonly issuers: readonly string[] | undefined
  /** The header fields of the issuers that do not use `Authorization`. */
  readonly tokenHeaders: ReadonlyMap<string, string>
  readonly dpop: BindingMode
  readonly dpopAlgorithms: readonly SignatureAlgorithm[]
  readonly mtls: BindingMode
  readonly insecureHosts: InsecureHosts
}

const rules: Rules<ResourceOptions> = {
  resource: anything,
  audience: oneOrMore,
  issuers: oneOrMore,
  scopes: oneOrMore,
  bearerMethods: oneOrMore,
  dpop: choice(...bindingModes),
  mtls: choice(...bindingModes),
  metadata: anything,
}

const bearerMethods: readonly string[] = ['header', 'body', 'query']

/**
 * Checks one resource completely and fills in its defaults (RFC 9728 §1.2).
 *
 * @throws {@link ConfigurationError}
 */
export function toResourceSettings(given: string | ResourceOptions, defaults: ResourceSurroundings): ResourceSettings {
  const options: ResourceOptions = typeof given === 'string' ? { resource: given } : given
  checkOptions<ResourceOptions>('A resource', options, rules)
  if (typeof options.resource === 'string' && /^api:/i.test(options.resource)) {
    throw new ConfigurationError(
      '`resource` is the https URL that clients know this API by; `api://…` is how Entra ID names it in `aud`. Write ' +
        "`resource: { resource: 'https://api.example.com', audience: 'api://…' }`.",
    )
  }
  checkUrl('resource', options.resource, defaults.insecureHosts)
  const issuers = checkOwnIssuers(options.issuers, defaults.issuers)
  return Object.freeze({
    resource: options.resource,
    audiences: toList(options.audience ?? options.resource),
    issuers: issuers ?? defaults.issuers ?? [],
    onlyIssuers: issuers && new Set(issuers),
    scopes: checkScopes(options.scopes),
    bearerMethods: checkBearerMethods(options.bearerMethods),
    tokenFields: tokenFields(issuers ?? defaults.issuers ?? [], defaults.tokenHeaders),
    dpop: options.dpop ?? defaults.dpop,
    dpopAlgorithms: defaults.dpopAlgorithms,
    mtls: options.mtls ?? defaults.mtls,
    metadata: checkResourceMetadata(options.metadata, defaults.insecureHosts),
  })
}

function tokenFields(
  issuers: readonly string[],
  headers: ReadonlyMap<string, string>,
): ResourceSettings['tokenFields'] {
  const names = [...new Set(issuers.flatMap((issuer) => headers.get(issuer) ?? []))]
  if (names.length === 0) return undefined
  return Object.freeze({ names, authorization: issuers.some((issuer) => !headers.has(issuer)) })
}

function checkOwnIssuers(
  given: readonly string[] | undefined,
  known: readonly string[] | undefined,
): readonly string[] | undefined {
  if (given === undefined) return undefined
  const issuers = toList(given)
  const unknown = issuers.find((issuer) => known?.includes(issuer) === false)
  if (unknown === undefined) return issuers
  throw new ConfigurationError(
    `\`issuers\` of a resource names ${unknown}, which the server's \`issuer\` does not list.`,
  )
}

function checkScopes(given: readonly string[] = []): readonly string[] {
  const scopes = toList(given)
  if (scopes.every(isScope)) return scopes
  throw new ConfigurationError('`scopes` takes scopes, one per item, without spaces and quotes (RFC 6749 §3.3).')
}

function checkBearerMethods(given: readonly string[] = ['header']): readonly BearerMethod[] {
  const methods = toList(given)
  const isComplete = methods.includes('header') && methods.every((method) => bearerMethods.includes(method))
  if (isComplete) return methods as readonly BearerMethod[]
  throw new ConfigurationError("`bearerMethods` takes 'header', which is always on, 'body' and 'query'.")
}

/**
 * The resource a route belongs to: the named one, or the only one there is.
 *
 * @throws {@link ConfigurationError} when the name is unknown, or when none is named and there are several.
 */
export function selectResource(
  resources: readonly ResourceSettings[],
  identifier: string | undefined,
): ResourceSettings {
  const [only] = resources
  if (identifier === undefined && resources.length === 1 && only !== undefined) return only
  const found = resources.find(({ resource }) => resource === identifier)
  if (found !== undefined) return found
  const known = resources.map(({ resource }) => `'${resource}'`).join(' or ')
  throw new ConfigurationError(
    identifier === undefined
      ? `This server guards several resources: name the route's one, as in \`resource: ${known}\`.`
      : `\`resource\` names an unknown resource; write ${known}.`,
  )
}
