import { ConfigurationError } from '../../errors/index.js'
import { anything, checkOptions, choice, func, integer, type Rules } from '../../kit/options.js'
import { type BindingMode, bindingModes } from '../binding/binding-options.js'
import { claimsRule, detailsRule, rolesRule } from './access-rules.js'
import type { Requirement, RequirementRule } from './requirement.js'
import { compileScope, type ImpliedScopes, scopeRule } from './scope-expression.js'
import { authenticationRule, compileAuthentication } from './step-up.js'

/** A requirement compiled once per route. */
export interface CompiledRequirement {
  /** What the route needs of a token that has no scope yet; named in a challenge. */
  readonly challengeScope: string | undefined
  readonly dpop: BindingMode | undefined
  readonly mtls: BindingMode | undefined
  /** Every rule for a verified token but `allow`, which needs the whole `auth`. The first that throws decides. */
  readonly rules: readonly RequirementRule[]
}

/** What a requirement is compiled for. */
export interface RequirementSettings {
  readonly implies: ImpliedScopes
  readonly resource: string
}

const memberRules: Rules<Requirement<never>> = {
  resource: anything,
  scope: anything,
  roles: anything,
  claims: anything,
  acr: anything,
  maxAgeSeconds: integer(0, 31_536_000),
  authorizationDetails: anything,
  dpop: choice(...bindingModes),
  mtls: choice(...bindingModes),
  allow: func,
}

/**
 * Compiles a route's requirement.
 *
 * @throws {@link ConfigurationError} for a member that cannot be right.
 */
export function compileRequirement(requirement: Requirement<never>, context: RequirementSettings): CompiledRequirement {
  if (isRequest(requirement)) throw new ConfigurationError(uncalled)
  checkOptions('A requirement', requirement, memberRules)
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
    dpop: requirement.dpop,
    mtls: requirement.mtls,
    rules,
  }
}

const uncalled =
  'A guard was given a request in place of a requirement. Call it where you mount it: `requireToken()`, not `requireToken`.'

/** Of Node, Koa, Fastify or Fetch: a framework calls what it takes for the handler. */
function isRequest(requirement: unknown): boolean {
  if (typeof requirement !== 'object' || requirement === null) return false
  return ('headers' in requirement || 'req' in requirement) && 'method' in requirement
}
