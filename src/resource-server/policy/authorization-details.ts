import { ConfigurationError } from '../../errors/index.js'
import { callAtOnce } from '../../kit/call-application.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'
import type { AuthorizationDetail, AuthorizationDetailsRule } from './requirement.js'

/** A type of authorization details with the function that judges one detail of it. */
export type DetailsDemand = readonly [type: string, accepts: (detail: AuthorizationDetail) => boolean]

/**
 * Checks a rule on authorization details and takes a copy of it.
 *
 * @throws {@link ConfigurationError}
 */
export function compileDetails(rule: AuthorizationDetailsRule): readonly DetailsDemand[] {
  const demands = isJsonObject(rule) ? Object.entries(rule) : []
  if (demands.length > 0 && demands.every(([, accepts]) => typeof accepts === 'function')) return demands
  throw new ConfigurationError('`authorizationDetails` takes an object of functions by type; leave it out for none.')
}

/**
 * Whether the token's `authorization_details` grant every type the rule names: a detail of that type, whose `locations`
 * (if any) include this resource, and which the application's function accepts (RFC 9396 §9). Details of other types
 * grant nothing.
 */
export function detailsGrant(claims: JsonObject, demands: readonly DetailsDemand[], resource: string): boolean {
  const details = (ownMember(claims, 'authorization_details') ?? []) as readonly AuthorizationDetail[]
  return demands.every(([type, accepts]) =>
    details.some(
      (detail) =>
        detail.type === type &&
        isLocatedAt(detail, resource) &&
        callAtOnce('authorizationDetails', () => accepts(detail)) === true,
    ),
  )
}

function isLocatedAt(detail: AuthorizationDetail, resource: string): boolean {
  const locations = ownMember(detail, 'locations')
  return locations === undefined || (isStringArray(locations) && locations.includes(resource))
}
