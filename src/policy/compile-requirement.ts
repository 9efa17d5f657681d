import { AccessDeniedError, ConfigurationError, InsufficientScopeError, StepUpRequiredError } from '../errors/index.js'
import type { JsonObject } from '../lib/json.js'
import { checkNames, choiceOption, functionOption, listOption, numberOption } from '../options/check.js'
import { detailsGrant } from './authorization-details.js'
import { claimsMeet } from './claim-rules.js'
import type { AuthorizationDetailsRule, BindingMode, Requirement } from './requirement.js'
import { compileScope, type ImpliedScopes, type ScopeRule } from './scope-expression.js'
import { type AuthenticationDemand, isAuthenticatedWell } from './step-up.js'

/** What a verified token shows of itself to a requirement. */
export interface Judged {
  readonly tokenClaims: JsonObject
  readonly claims: unknown
  readonly scopes: readonly string[]
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

const names = ['resource', 'scope', 'claims', 'acr', 'maxAgeSeconds', 'authorizationDetails', 'dpop', 'mtls', 'allow']
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
    claimsRule(requirement.claims),
  ].filter((rule) => rule !== undefined)
  return {
    challengeScope: scope?.neededFrom([]).join(' '),
    dpop: requirement.dpop && choiceOption('dpop', requirement.dpop, modes, 'allowed'),
    mtls: requirement.mtls && choiceOption('mtls', requirement.mtls, modes, 'allowed'),
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
    throw new StepUpRequiredError({ ...demand, scope: lacking })
  }
}

function scopeRule(scope: ScopeRule | undefined): Rule | undefined {
  if (scope === undefined) return undefined
  return ({ scopes }) => {
    if (!scope.isSatisfiedBy(scopes)) throw new InsufficientScopeError(scope.neededFrom(scopes).join(' '))
  }
}

function detailsRule(
  details: AuthorizationDetailsRule | undefined,
  { resource }: RequirementContext,
): Rule | undefined {
  if (details === undefined) return undefined
  for (const [type, accepts] of Object.entries(details)) functionOption(`authorizationDetails.${type}`, accepts)
  return ({ tokenClaims }) => {
    if (!detailsGrant(tokenClaims, details, resource)) throw new InsufficientScopeError(undefined)
  }
}

function claimsRule(rules: Requirement<never>['claims']): Rule | undefined {
  if (rules === undefined) return undefined
  if ((typeof rules !== 'object' && typeof rules !== 'function') || rules === null) {
    throw new ConfigurationError('`claims` takes an object of rules by claim name, or a function.')
  }
  const hold = (token: Judged) =>
    typeof rules === 'function' ? rules(token.claims as never) === true : claimsMeet(token.tokenClaims, rules)
  return (token) => {
    if (!hold(token)) throw new AccessDeniedError()
  }
}

function compileAuthentication({ acr, maxAgeSeconds }: Requirement<never>): AuthenticationDemand | undefined {
  if (acr === undefined && maxAgeSeconds === undefined) return undefined
  if (maxAgeSeconds !== undefined && !Number.isInteger(maxAgeSeconds)) {
    throw new ConfigurationError('`maxAgeSeconds` takes whole seconds (RFC 9470 §3).')
  }
  return {
    acrValues: acr === undefined ? undefined : listOption('acr', acr, []),
    maxAgeSeconds:
      maxAgeSeconds && numberOption('maxAgeSeconds', maxAgeSeconds, { min: 0, max: 31_536_000, fallback: 0 }),
  }
}
