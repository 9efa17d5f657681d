import { ConfigurationError } from '../errors/index.js'
import type { ScopeExpression } from './requirement.js'

/** A scope expression compiled once per route. */
export interface ScopeRule {
  /** Whether the granted scopes satisfy the expression, hierarchy included. */
  isSatisfiedBy(granted: readonly string[]): boolean
  /** The scopes of the cheapest way to satisfy it from what is granted: what a challenge names. */
  neededFrom(granted: readonly string[]): readonly string[]
}

const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/**
 * Compiles a scope expression. `implies` maps a scope to those it includes, directly; the closure is taken here.
 *
 * @throws {@link ConfigurationError} for an empty expression or a character no scope may have (RFC 6749 §3.3).
 */
export function compileScope(expression: ScopeExpression, implies: ImpliedScopes): ScopeRule {
  if (typeof expression === 'string')
    return compileList(
      expression.split(' ').filter((scope) => scope !== ''),
      implies,
    )
  if (Array.isArray(expression)) return compileList(expression, implies)
  const members: readonly ScopeExpression[] | undefined = 'all' in expression ? expression.all : undefined
  if (members !== undefined) return compileList(members, implies)
  if ('any' in expression && Array.isArray(expression.any)) return anyOf(compileMembers(expression.any, implies))
  throw new ConfigurationError('`scope` takes a string, an array, { all: […] } or { any: […] }.')
}

/** Scopes that include others, by scope. */
export type ImpliedScopes = ReadonlyMap<string, readonly string[]>

function compileList(members: readonly ScopeExpression[], implies: ImpliedScopes): ScopeRule {
  return allOf(compileMembers(members, implies))
}

function compileMembers(members: readonly ScopeExpression[], implies: ImpliedScopes): readonly ScopeRule[] {
  if (members.length === 0) throw new ConfigurationError('`scope` names no scope; leave it out to demand none.')
  return members.map((member) =>
    typeof member === 'string' && !member.includes(' ') ? oneScope(member, implies) : compileScope(member, implies),
  )
}

function oneScope(scope: string, implies: ImpliedScopes): ScopeRule {
  if (!scopeToken.test(scope)) {
    throw new ConfigurationError('`scope` holds a character no scope may have, or an empty string (RFC 6749 §3.3).')
  }
  const sufficient = scopesThatInclude(scope, implies)
  const needed = [scope]
  return {
    isSatisfiedBy: (granted) =>
      granted.includes(scope) || (sufficient.size > 1 && granted.some((candidate) => sufficient.has(candidate))),
    neededFrom: () => needed,
  }
}

function scopesThatInclude(scope: string, implies: ImpliedScopes): ReadonlySet<string> {
  const sufficient = new Set([scope])
  for (const candidate of sufficient) {
    for (const [broader, narrower] of implies) if (narrower.includes(candidate)) sufficient.add(broader)
  }
  return sufficient
}

function allOf(rules: readonly ScopeRule[]): ScopeRule {
  const [only] = rules
  if (rules.length === 1 && only !== undefined) return only
  return {
    isSatisfiedBy: (granted) => rules.every((rule) => rule.isSatisfiedBy(granted)),
    neededFrom: (granted) => [...new Set(rules.flatMap((rule) => rule.neededFrom(granted)))],
  }
}

function anyOf(rules: readonly ScopeRule[]): ScopeRule {
  return {
    isSatisfiedBy: (granted) => rules.some((rule) => rule.isSatisfiedBy(granted)),
    neededFrom(granted) {
      const branches = rules.map((rule) => rule.neededFrom(granted))
      const lacking = branches.map((branch) => branch.filter((scope) => !granted.includes(scope)).length)
      return branches[lacking.indexOf(Math.min(...lacking))] as readonly string[]
    },
  }
}
