import { ConfigurationError } from '../errors/index.js'
import type { SignatureAlgorithm } from '../lib/algorithms.js'
import type { BindingMode } from '../policy/requirement.js'
import { checkNames, choiceOption, functionOption, listOption, numberOption } from './check.js'
import { checkUrl } from './identifiers.js'
import type { ResolvedResource } from './resolved.js'
import type { BearerMethod, ResourceMetadataOptions, ResourceOptions } from './types.js'

/** What a resource takes over from the server when it says nothing itself. */
export interface ResourceDefaults {
  readonly issuers: readonly string[]
  readonly dpop: BindingMode
  readonly dpopAlgorithms: readonly SignatureAlgorithm[]
  readonly mtls: BindingMode
  readonly allowInsecureLoopback: boolean
}

const names = ['resource', 'audience', 'issuers', 'scopes', 'bearerMethods', 'dpop', 'mtls', 'metadata']
const metadataNames = [
  'name',
  'localizedNames',
  'documentation',
  'policyUri',
  'tosUri',
  'jwksUri',
  'signingAlgorithms',
  'authorizationDetailsTypes',
  'sign',
  'metadataAt',
  'maxAgeSeconds',
]
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
  checkUrl('resource', options.resource, defaults.allowInsecureLoopback)
  return Object.freeze({
    resource: options.resource,
    audiences: listOption('audience', options.audience, [options.resource]),
    issuers: resolveIssuers(options.issuers, defaults.issuers),
    onlyIssuers: options.issuers && new Set(options.issuers),
    scopes: listOption('scopes', options.scopes, []),
    bearerMethods: resolveBearerMethods(options.bearerMethods),
    dpop: choiceOption('dpop', options.dpop, modes, defaults.dpop),
    dpopAlgorithms: defaults.dpopAlgorithms,
    mtls: choiceOption('mtls', options.mtls, modes, defaults.mtls),
    metadata: resolveMetadata(options.metadata ?? {}, defaults.allowInsecureLoopback),
  })
}

function resolveIssuers(given: readonly string[] | undefined, known: readonly string[]): readonly string[] {
  if (given === undefined) return known
  const issuers = listOption('issuers', given, known)
  const unknown = issuers.find((issuer) => !known.includes(issuer))
  if (unknown === undefined) return issuers
  throw new ConfigurationError(
    `\`issuers\` of a resource names ${unknown}, which the server's \`issuer\` does not list.`,
  )
}

function resolveBearerMethods(given: unknown): readonly BearerMethod[] {
  const methods = listOption('bearerMethods', given, ['header'])
  if (methods.every((method) => bearerMethods.includes(method))) return methods as readonly BearerMethod[]
  throw new ConfigurationError("`bearerMethods` takes 'header', 'body' and 'query'.")
}

function resolveMetadata(metadata: ResourceMetadataOptions, allowInsecureLoopback: boolean): ResourceMetadataOptions {
  checkNames('`metadata`', metadata, metadataNames)
  for (const name of ['documentation', 'policyUri', 'tosUri', 'jwksUri'] as const) {
    if (metadata[name] !== undefined) checkUrl(`metadata.${name}`, metadata[name], allowInsecureLoopback)
  }
  functionOption('metadata.sign', metadata.sign)
  numberOption('metadata.maxAgeSeconds', metadata.maxAgeSeconds, { min: 0, max: 31_536_000, fallback: 3600 })
  const { metadataAt, signingAlgorithms = [] } = metadata
  if (metadataAt !== undefined && !/^\/[^\s?#]*$/.test(metadataAt)) {
    throw new ConfigurationError('`metadata.metadataAt` takes a path that starts with a slash.')
  }
  if (signingAlgorithms.includes('none'))
    throw new ConfigurationError('`metadata.signingAlgorithms` must not hold none.')
  return metadata
}
