import { ConfigurationError } from '../../errors/index.js'
import { isJsonObject } from '../../kit/json.js'
import type { RoleExpression } from './requirement.js'

/** Whether the roles of a token are enough. */
export type RoleRule = (held: readonly string[]) => boolean

/**
 * Compiles a role expression. A text is one role, compared exactly: unlike a scope it may hold spaces.
 *
 * @throws {@link ConfigurationError} for an expression that names no role.
 */
export function compileRoles(expression: RoleExpression): RoleRule {
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
