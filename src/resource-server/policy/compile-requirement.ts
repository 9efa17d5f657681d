import {
  AccessDeniedError,
  ConfigurationError,
  InsufficientScopeError,
  StepUpRequiredError,
} from '../../errors/index.js'
import { callAtOnce } from '../../kit/call-application.js'
import { checkNames, choiceOption, functionOption, listOption, numberOption } from '../../kit/check.js'
import { type JsonObject, ownMember } from '../../kit/json.js'
import { compileDetails, detailsGrant } from './authorization-details.js'
import { compileClaimRules } from './claim-rules.js'
import type { AuthorizationDetailsRule, BindingMode, Requirement } from './requirement.js'
import { compileRoles } from './role-expression.js'
import { compileScope, type ImpliedScopes, isScope, type ScopeRule } from './scope-expression.js'
import { type AuthenticationDemand, isAuthenticatedWell } from './step-up.js'

/** What a verified token shows of itself to a requirement. */
export interface Judged {
  readonly tokenClaims: JsonObject
  readonly claims: unknown
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
}

/** A requirement compiled once per route. */
export interface CompiledRequirement {
  /** What the route needs of a token that has no scope yet; named in a challenge. */
  readonly challengeScope: string | undefined
  readonly dpop: BindingMode | undefined
  readonly mtls: BindingMode | undefined
  /**
   * Holds a verified token against every rule but `allow`, which needs the whole `auth`.
   *
   * @throws {@link StepUpRequiredError}, {@link InsufficientScopeError}, {@link AccessDeniedError}
   */
  judge(token: Judged, nowMs: number, clockToleranceMs: number): void
}

/** What a requirement is compiled for. */
export interface RequirementContext {
  readonly implies: ImpliedScopes
  readonly resource: string
}

const names = [
  'resource',
  'scope',
  'roles',
  'claims',
  'acr',
  'maxAgeSeconds',
  'authorizationDetails',
  'dpop',
  'mtls',
  'allow',
]
const modes = ['off', 'allowed', 'required'] as const

/**
 * Compiles a route's requirement.
 *
 * @throws {@link ConfigurationError} for a member that cannot be right.
 */
export function compileRequirement(requirement: Requirement<never>, context: RequirementContext): CompiledRequirement {
  checkNames('A requirement', requirement, names)
  functionOption('allow', requirement.allow)
  const scope = requirement.scope === undefined ? undefined : compileScope(requirement.scope, context.implies)
  const rules = [
    authenticationRule(compileAuthentication(requirement), scope),
    scopeRule(scope),
    detailsRule(requirement.authorizationDetails, context),
    rolesRule(requirement.roles),
    claimsRule(requirement.claims),
  ].filter((rule) => rule !== undefined)
  return {
    challengeScope: scope?.neededFrom([]).join(' '),
    dpop: choiceOption('dpop', requirement.dpop, modes, undefined),
    mtls: choiceOption('mtls', requirement.mtls, modes, undefined),
    judge(token, nowMs, clockToleranceMs) {
      for (const rule of rules) rule(token, nowMs, clockToleranceMs)
    },
  }
}

/** Throws where a verified token does not meet one part of a requirement. */
type Rule = (token: Judged, nowMs: number, clockToleranceMs: number) => void

function authenticationRule(demand: AuthenticationDemand | undefined, scope: ScopeRule | undefined): Rule | undefined {
  if (demand === undefined) return undefined
  return ({ tokenClaims, scopes }, nowMs, clockToleranceMs) => {
    if (isAuthenticatedWell(tokenClaims, demand, nowMs, clockToleranceMs)) return
    const lacking = scope?.isSatisfiedBy(scopes) === false ? scope.neededFrom(scopes).join(' ') : undefined
    throw new StepUpRequiredError({ ...demand, scope: lacking }, authenticationOf(tokenClaims, demand))
  }
}

function authenticationOf(claims: JsonObject, { acrValues = [], maxAgeSeconds }: AuthenticationDemand) {
  const age = maxAgeSeconds === undefined ? [] : [`max_age ${maxAgeSeconds}`]
  return {
    expected: [...acrValues.map((value) => `acr ${value}`), ...age],
    received: ['acr', 'auth_time'].map((name) => `${name} ${shownItem(ownMember(claims, name))}`),
  }
}

function shownItem(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : typeof value
}

function scopeRule(scope: ScopeRule | undefined): Rule | undefined {
  if (scope === undefined) return undefined
  return ({ scopes }) => {
    if (scope.isSatisfiedBy(scopes)) return
    const expected = scope.neededFrom(scopes)
    throw new InsufficientScopeError(expected.join(' '), { expected, received: scopes })
  }
}

function detailsRule(rule: AuthorizationDetailsRule | undefined, { resource }: RequirementContext): Rule | undefined {
  if (rule === undefined) return undefined
  const demands = compileDetails(rule)
  return ({ tokenClaims }) => {
    if (!detailsGrant(tokenClaims, demands, resource)) throw new InsufficientScopeError(undefined)
  }
}

function rolesRule(expression: Requirement<never>['roles']): Rule | undefined {
  if (expression === undefined) return undefined
  const suffice = compileRoles(expression)
  return ({ roles }) => {
    if (!suffice(roles)) throw new AccessDeniedError('ERR_ROLE_INSUFFICIENT')
  }
}

function claimsRule(rules: Requirement<never>['claims']): Rule | undefined {
  if (rules === undefined) return undefined
  const hold = typeof rules === 'function' ? acceptedBy(rules) : compileClaimRules(rules)
  return ({ tokenClaims, claims }) => {
    if (!hold(tokenClaims, claims)) throw new AccessDeniedError()
  }
}

function acceptedBy(accepts: (claims: never) => boolean): (tokenClaims: JsonObject, claims: unknown) => boolean {
  return (_tokenClaims, claims) => callAtOnce('claims', () => accepts(claims as never)) === true
}

function compileAuthentication({ acr, maxAgeSeconds }: Requirement<never>): AuthenticationDemand | undefined {
  if (acr === undefined && maxAgeSeconds === undefined) return undefined
  const acrValues = acr === undefined ? undefined : listOption('acr', acr, [])
  if (acrValues?.every(isScope) === false) {
    throw new ConfigurationError('`acr` takes one value, or an array of values, without spaces (RFC 9470 §3).')
  }
  if (maxAgeSeconds !== undefined && !Number.isInteger(maxAgeSeconds)) {
    throw new ConfigurationError('`maxAgeSeconds` takes whole seconds (RFC 9470 §3).')
  }
  return {
    acrValues,
    maxAgeSeconds: numberOption('maxAgeSeconds', maxAgeSeconds, { min: 0, max: 31_536_000, fallback: undefined }),
  }
}
