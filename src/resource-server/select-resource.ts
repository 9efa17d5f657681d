import { ConfigurationError } from '../errors/index.js'
import type { ResolvedResource } from './options/resolved.js'

/**
 * The resource a route belongs to: the named one, or the only one there is.
 *
 * @throws {@link ConfigurationError} when the name is unknown, or when none is named and there are several.
 */
export function selectResource(
  resources: readonly ResolvedResource[],
  identifier: string | undefined,
): ResolvedResource {
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
