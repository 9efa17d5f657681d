import { ConfigurationError } from '../../errors/index.js'
import { checkUrl } from '../../issuer/identifiers.js'
import { booleanOption, checkNames, functionOption, integerOption, listOption, textOption } from '../../kit/check.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import { isJsonObject } from '../../kit/json.js'
import type { ResourceMetadataOptions } from './types.js'

const names = [
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
  'atRoot',
  'maxAgeSeconds',
]
const none: readonly string[] = []

/**
 * Checks the further members of a metadata document and takes a copy of them.
 *
 * @throws {@link ConfigurationError}
 */
export function resolveMetadata(
  metadata: ResourceMetadataOptions = {},
  insecureHosts: InsecureHosts,
): ResourceMetadataOptions {
  checkNames('`metadata`', metadata, names)
  textOption('metadata.name', metadata.name)
  for (const name of ['documentation', 'policyUri', 'tosUri', 'jwksUri'] as const) {
    if (metadata[name] !== undefined) checkUrl(`metadata.${name}`, metadata[name], insecureHosts)
  }
  functionOption('metadata.sign', metadata.sign)
  booleanOption('metadata.atRoot', metadata.atRoot, false)
  integerOption('metadata.maxAgeSeconds', metadata.maxAgeSeconds, { min: 0, max: 31_536_000, fallback: undefined })
  const { metadataAt } = metadata
  if (metadataAt !== undefined && !/^\/[^\s?#]*$/.test(metadataAt)) {
    throw new ConfigurationError('`metadata.metadataAt` takes a path that starts with a slash.')
  }
  return Object.freeze({ ...metadata, ...resolveLists(metadata) })
}

function resolveLists(metadata: ResourceMetadataOptions): Partial<ResourceMetadataOptions> {
  const { localizedNames } = metadata
  const signingAlgorithms = listOption('metadata.signingAlgorithms', metadata.signingAlgorithms, none)
  const authorizationDetailsTypes = listOption(
    'metadata.authorizationDetailsTypes',
    metadata.authorizationDetailsTypes,
    none,
  )
  if (signingAlgorithms.includes('none')) {
    throw new ConfigurationError('`metadata.signingAlgorithms` must not hold none (RFC 9728 §2).')
  }
  return {
    ...(localizedNames !== undefined && { localizedNames: resolveNames(localizedNames) }),
    signingAlgorithms,
    authorizationDetailsTypes,
  }
}

function resolveNames(names: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (isJsonObject(names) && Object.values(names).every((name) => typeof name === 'string' && name !== '')) {
    return Object.freeze({ ...names })
  }
  throw new ConfigurationError('`metadata.localizedNames` takes an object of names by language tag.')
}
