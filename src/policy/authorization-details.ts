import { isStringArray, type JsonObject, ownMember } from '../lib/json.js'
import type { AuthorizationDetail, AuthorizationDetailsRule } from './requirement.js'

/**
 * Whether the token's `authorization_details` grant every type the rule names: a detail of that type, whose `locations`
 * (if any) include this resource, and which the application's function accepts (RFC 9396 §9). Details of other types
 * grant nothing.
 */
export function detailsGrant(claims: JsonObject, rule: AuthorizationDetailsRule, resource: string): boolean {
  const details = (ownMember(claims, 'authorization_details') ?? []) as readonly AuthorizationDetail[]
  return Object.entries(rule).every(([type, accepts]) =>
    details.some((detail) => detail.type === type && isLocatedAt(detail, resource) && accepts(detail) === true),
  )
}

function isLocatedAt(detail: AuthorizationDetail, resource: string): boolean {
  const locations = ownMember(detail, 'locations')
  return locations === undefined || (isStringArray(locations) && locations.includes(resource))
}
