import { ConfigurationError } from '../../errors/index.js'
import { checkUrl } from '../../issuer/identifiers.js'
import type { SignatureAlgorithm } from '../../jws/algorithms.js'
import { checkNames, choiceOption, listOption } from '../../kit/check.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import type { BindingMode } from '../policy/requirement.js'
import { isScope } from '../policy/scope-expression.js'
import { resolveMetadata } from './resolve-metadata.js'
import type { ResolvedResource } from './resolved.js'
import type { BearerMethod, ResourceOptions } from './types.js'

/** What a resource takes over from the server when it says nothing itself. */
export interface ResourceDefaults {
  /** The server's issuers; `undefined` where only a live set of tenants knows them. */
  readonly issuers: readonly string[] | undefined
  /** The header fields of the issuers that do not use `Authorization`. */
  readonly tokenHeaders: ReadonlyMap<string, string>
  readonly dpop: BindingMode
  readonly dpopAlgorithms: readonly SignatureAlgorithm[]
  readonly mtls: BindingMode
  readonly insecureHosts: InsecureHosts
}

const names = ['resource', 'audience', 'issuers', 'scopes', 'bearerMethods', 'dpop', 'mtls', 'metadata']
const bearerMethods: readonly string[] = ['header', 'body', 'query']
const modes = ['off', 'allowed', 'required'] as const

/**
 * Checks one resource completely and fills in its defaults (RFC 9728 §1.2).
 *
 * @throws {@link ConfigurationError}
 */
export function resolveResource(given: string | ResourceOptions, defaults: ResourceDefaults): ResolvedResource {
  const options = typeof given === 'string' ? { resource: given } : given
  checkNames('A resource', options, names)
  checkUrl('resource', options.resource, defaults.insecureHosts)
  const issuers = resolveIssuers(options.issuers, defaults.issuers)
  return Object.freeze({
    resource: options.resource,
    audiences: listOption('audience', options.audience, [options.resource]),
    issuers: issuers ?? defaults.issuers ?? [],
    onlyIssuers: issuers && new Set(issuers),
    scopes: resolveScopes(options.scopes),
    bearerMethods: resolveBearerMethods(options.bearerMethods),
    tokenFields: tokenFields(issuers ?? defaults.issuers ?? [], defaults.tokenHeaders),
    dpop: choiceOption('dpop', options.dpop, modes, defaults.dpop),
    dpopAlgorithms: defaults.dpopAlgorithms,
    mtls: choiceOption('mtls', options.mtls, modes, defaults.mtls),
    metadata: resolveMetadata(options.metadata, defaults.insecureHosts),
  })
}

function tokenFields(
  issuers: readonly string[],
  headers: ReadonlyMap<string, string>,
): ResolvedResource['tokenFields'] {
  const names = [...new Set(issuers.flatMap((issuer) => headers.get(issuer) ?? []))]
  if (names.length === 0) return undefined
  return Object.freeze({ names, authorization: issuers.some((issuer) => !headers.has(issuer)) })
}

function resolveIssuers(
  given: readonly string[] | undefined,
  known: readonly string[] | undefined,
): readonly string[] | undefined {
  if (given === undefined) return undefined
  const issuers = listOption('issuers', given, [])
  const unknown = issuers.find((issuer) => known?.includes(issuer) === false)
  if (unknown === undefined) return issuers
  throw new ConfigurationError(
    `\`issuers\` of a resource names ${unknown}, which the server's \`issuer\` does not list.`,
  )
}

function resolveScopes(given: unknown): readonly string[] {
  const scopes = listOption('scopes', given, [])
  if (scopes.every(isScope)) return scopes
  throw new ConfigurationError('`scopes` takes scopes, one per item, without spaces and quotes (RFC 6749 §3.3).')
}

function resolveBearerMethods(given: unknown): readonly BearerMethod[] {
  const methods = listOption('bearerMethods', given, ['header'])
  const isComplete = methods.includes('header') && methods.every((method) => bearerMethods.includes(method))
  if (isComplete) return methods as readonly BearerMethod[]
  throw new ConfigurationError("`bearerMethods` takes 'header', which is always on, 'body' and 'query'.")
}
