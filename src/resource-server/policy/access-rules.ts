/** Rules on roles, claims and authorization details of a token that was verified before. */
import { AccessDeniedError, ConfigurationError, InsufficientScopeError } from '../../errors/index.js'
import { callAtOnce } from '../../kit/call-application.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'
import type {
  AuthorizationDetail,
  AuthorizationDetailsRule,
  ClaimRule,
  Requirement,
  RequirementRule,
  RoleExpression,
} from './requirement.js'

/** The check of `roles` of a requirement; `undefined` without one. The check throws {@link AccessDeniedError} `ERR_ROLE_INSUFFICIENT`. */
export function rolesRule(expression: Requirement<never>['roles']): RequirementRule | undefined {
  if (expression === undefined) return undefined
  const suffice = compileRoles(expression)
  const expected = namedRoles(expression)
  return ({ roles }) => {
    if (!suffice(roles)) throw new AccessDeniedError('ERR_ROLE_INSUFFICIENT', { expected, received: roles })
  }
}

/** Every role an expression names, whichever of them would be enough. */
function namedRoles(expression: unknown): readonly unknown[] {
  if (typeof expression === 'string') return [expression]
  return Object.values(expression as object).flatMap(namedRoles)
}

/** Whether the roles of a token are enough. */
export type RoleRule = (held: readonly string[]) => boolean

/**
 * Compiles a role expression. A text is one role, compared exactly: unlike a scope it may hold spaces.
 *
 * @throws {@link ConfigurationError} for an expression that names no role.
 */
function compileRoles(expression: RoleExpression): RoleRule {
  if (typeof expression === 'string' && expression.trim() !== '') return (held) => held.includes(expression)
  const [[name, members] = [], ...others] = isJsonObject(expression)
    ? Object.entries<unknown>(expression)
    : [['all', expression]]
  if (others.length > 0 || !Array.isArray(members) || members.length === 0) return refuseRoles()
  const rules = members.map(compileRoles)
  if (name === 'all') return (held) => rules.every((rule) => rule(held))
  return name === 'any' ? (held) => rules.some((rule) => rule(held)) : refuseRoles()
}

function refuseRoles(): never {
  throw new ConfigurationError('`roles` takes a role, a non-empty array, { all: […] } or { any: […] }.')
}

/** The check of `claims` of a requirement; `undefined` without one. The check throws {@link AccessDeniedError} `ERR_CLAIM_REQUIREMENT`. */
export function claimsRule(rules: Requirement<never>['claims']): RequirementRule | undefined {
  if (rules === undefined) return undefined
  if (typeof rules === 'function') {
    return ({ claims }) => {
      if (callAtOnce('claims', () => rules(claims as never)) !== true) throw new AccessDeniedError()
    }
  }
  const demands = compileClaimRules(rules)
  return ({ tokenClaims }) => {
    for (const { name, accepted, holds } of demands) {
      const received = ownMember(tokenClaims, name)
      if (!holds(received))
        throw new AccessDeniedError('ERR_CLAIM_REQUIREMENT', { detail: name, expected: accepted, received })
    }
  }
}

/** A rule on one claim. */
interface ClaimDemand {
  readonly name: string
  /** The values that are enough; `undefined` where a function decides. */
  readonly accepted: readonly unknown[] | undefined
  readonly holds: (value: unknown) => boolean
}

/**
 * Compiles rules on claims, by name. All of them must be met. A claim that is an array meets a rule when one of its items
 * does; a function gets the value as it is, `undefined` when absent. Compares exactly, with no conversion.
 *
 * @throws {@link ConfigurationError} for no rule at all and for a rule that could not mean what it says, `undefined`
 * above all: an absent claim would meet it.
 */
function compileClaimRules(rules: Readonly<Record<string, ClaimRule>>): readonly ClaimDemand[] {
  const demands = isJsonObject(rules) ? Object.entries(rules).map(([name, rule]) => compileRule(name, rule)) : []
  if (demands.length === 0) {
    throw new ConfigurationError(
      '`claims` takes an object of rules by claim name, or a function; leave it out for none.',
    )
  }
  return demands
}

function compileRule(name: string, rule: ClaimRule): ClaimDemand {
  if (typeof rule === 'function') {
    return { name, accepted: undefined, holds: (value) => callAtOnce('claims', () => rule(value)) === true }
  }
  const accepted: readonly unknown[] = Array.isArray(rule) ? [...rule] : [rule]
  if (accepted.length === 0 || !accepted.every(isPlain)) {
    throw new ConfigurationError(
      `\`claims.${name}\` takes a string, a number, a boolean, a list of them, or a function.`,
    )
  }
  const holds = (value: unknown) =>
    Array.isArray(value) ? value.some((item) => accepted.includes(item)) : accepted.includes(value)
  return { name, accepted, holds }
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

/** The check of `authorizationDetails` of a requirement (RFC 9396); `undefined` without one. */
export function detailsRule(
  rule: AuthorizationDetailsRule | undefined,
  { resource }: { readonly resource: string },
): RequirementRule | undefined {
  if (rule === undefined) return undefined
  const demands = compileDetails(rule)
  return ({ tokenClaims }) => {
    if (detailsGrant(tokenClaims, demands, resource)) return
    const granted = (ownMember(tokenClaims, 'authorization_details') ?? []) as readonly AuthorizationDetail[]
    throw new InsufficientScopeError(undefined, {
      expected: demands.map(([type]) => type),
      received: granted.map(({ type }) => type),
    })
  }
}

/** A type of authorization details with the function that judges one detail of it. */
export type DetailsDemand = readonly [type: string, accepts: (detail: AuthorizationDetail) => boolean]

/**
 * Checks a rule on authorization details and takes a copy of it.
 *
 * @throws {@link ConfigurationError}
 */
function compileDetails(rule: AuthorizationDetailsRule): readonly DetailsDemand[] {
  const demands = isJsonObject(rule) ? Object.entries(rule) : []
  if (demands.length > 0 && demands.every(([, accepts]) => typeof accepts === 'function')) return demands
  throw new ConfigurationError('`authorizationDetails` takes an object of functions by type; leave it out for none.')
}

/**
 * Whether the token's `authorization_details` grant every type the rule names: a detail of that type, whose `locations`
 * (if any) include this resource, and which the application's function accepts (RFC 9396 §9). Details of other types
 * grant nothing.
 * @internal
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
