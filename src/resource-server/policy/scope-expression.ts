/** What scopes a route needs, and which ones are missing. Does NOT verify the token. */

import { ConfigurationError, InsufficientScopeError } from '../../errors/index.js'
import { isJsonObject } from '../../kit/json.js'
import { checkValue, oneOrMore, required, toList } from '../../kit/options.js'
import type { RequirementRule, ScopeExpression } from './requirement.js'

/** A scope expression compiled once per route. */
export interface ScopeRule {
  /** Whether the granted scopes satisfy the expression, hierarchy included. */
  isSatisfiedBy(granted: readonly string[]): boolean
  /** The scopes of the cheapest way to satisfy it from what is granted, held ones included: what a challenge names. */
  neededFrom(granted: readonly string[]): readonly string[]
  /** Those of them that `granted` does not include. */
  lackingFrom(granted: readonly string[]): readonly string[]
}

const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/** Whether `text` is one scope: no space, no quote, no backslash, only ASCII (RFC 6749 §3.3). */
export function isScope(text: string): boolean {
  return scopeToken.test(text)
}

/**
 * Compiles a scope expression. `implies` maps a scope to those it includes, directly; the closure is taken here.
 *
 * @throws {@link ConfigurationError} for an empty expression, a character no scope may have (RFC 6749 §3.3), and a text
 * with a comma.
 */
export function compileScope(expression: ScopeExpression, implies: ImpliedScopes): ScopeRule {
  if (typeof expression === 'string' && expression.includes(',')) {
    throw new ConfigurationError(
      "`scope` holds a comma. Scopes are separated by spaces: 'read write'. Write ['a,b'] for one scope with a comma in it.",
    )
  }
  return compileExpression(expression, implies)
}

function compileExpression(expression: ScopeExpression, implies: ImpliedScopes): ScopeRule {
  if (typeof expression === 'string') return compileText(expression, implies)
  if (Array.isArray(expression)) return allOf(compileMembers(expression, implies))
  if (!isJsonObject(expression)) return refuseShape()
  const [[name, members] = [], ...others] = Object.entries<unknown>(expression)
  if (others.length > 0 || !Array.isArray(members)) return refuseShape()
  if (name === 'all') return allOf(compileMembers(members, implies))
  return name === 'any' ? anyOf(compileMembers(members, implies)) : refuseShape()
}

function refuseShape(): never {
  throw new ConfigurationError('`scope` takes a string, an array, { all: […] } or { any: […] }.')
}

/** Scopes that include others, by scope. */
export type ImpliedScopes = ReadonlyMap<string, readonly string[]>

function compileText(text: string, implies: ImpliedScopes): ScopeRule {
  const scopes = text.split(' ').filter((scope) => scope !== '')
  if (scopes.length === 0) throw new ConfigurationError('`scope` names no scope; leave it out to demand none.')
  return allOf(scopes.map((scope) => oneScope(scope, implies)))
}

function compileMembers(members: readonly ScopeExpression[], implies: ImpliedScopes): readonly ScopeRule[] {
  if (members.length === 0) throw new ConfigurationError('`scope` names no scope; leave it out to demand none.')
  return members.map((member) => compileExpression(member, implies))
}

function oneScope(scope: string, implies: ImpliedScopes): ScopeRule {
  if (!isScope(scope)) throw new ConfigurationError('`scope` holds a character no scope may have (RFC 6749 §3.3).')
  const sufficient = scopesThatInclude(scope, implies)
  const needed = [scope]
  const isSatisfiedBy = (granted: readonly string[]): boolean =>
    granted.includes(scope) || (sufficient.size > 1 && granted.some((candidate) => sufficient.has(candidate)))
  return {
    isSatisfiedBy,
    neededFrom: () => needed,
    lackingFrom: (granted) => (isSatisfiedBy(granted) ? [] : needed),
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
  if (rules.length === 1) return rules[0] as ScopeRule
  return {
    isSatisfiedBy: (granted) => rules.every((rule) => rule.isSatisfiedBy(granted)),
    neededFrom: (granted) => unionOf(rules.map((rule) => rule.neededFrom(granted))),
    lackingFrom: (granted) => unionOf(rules.map((rule) => rule.lackingFrom(granted))),
  }
}

function unionOf(lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())]
}

function anyOf(rules: readonly ScopeRule[]): ScopeRule {
  const cheapest = (granted: readonly string[]): ScopeRule => {
    const lacking = rules.map((rule) => rule.lackingFrom(granted).length)
    return rules[lacking.indexOf(Math.min(...lacking))] as ScopeRule
  }
  return {
    isSatisfiedBy: (granted) => rules.some((rule) => rule.isSatisfiedBy(granted)),
    neededFrom: (granted) => cheapest(granted).neededFrom(granted),
    lackingFrom: (granted) => cheapest(granted).lackingFrom(granted),
  }
}

/** The check of a compiled scope rule; `undefined` without one. The check throws {@link InsufficientScopeError} with all that is wanted. */
export function scopeRule(scope: ScopeRule | undefined): RequirementRule | undefined {
  if (scope === undefined) return undefined
  return ({ scopes }) => {
    if (scope.isSatisfiedBy(scopes)) return
    const expected = scope.neededFrom(scopes)
    throw new InsufficientScopeError(expected.join(' '), { expected, received: scopes })
  }
}

/**
 * Checks which scopes grant other scopes.
 *
 * @throws {@link ConfigurationError} for a name that is not one scope.
 */
export function toImpliedScopes(implies: Readonly<Record<string, string | readonly string[]>> = {}) {
  const given = isJsonObject(implies) ? Object.entries(implies) : undefined
  const lists = given?.map(([scope, implied]) => {
    checkValue(`implies.${scope}`, implied, required(oneOrMore))
    return [scope, toList(implied as string | readonly string[])] as const
  })
  if (lists?.every(([scope, implied]) => [scope, ...implied].every(isScope))) return new Map(lists)
  throw new ConfigurationError("`implies` takes an object of scopes by scope, as in { 'files:write': ['files:read'] }.")
}
