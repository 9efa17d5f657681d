import type { Requirement, ScopeExpression } from './requirement.js'

/**
 * One requirement made of several, from the outermost to the innermost: a class and its method, an endpoint and one of
 * its tools. Scopes add up, so that one challenge names them all; of any other member the innermost wins. Checks
 * nothing: whoever compiles the result does.
 *
 * @group Resource server
 */
export function mergeRequirements<Claims>(
  ...requirements: readonly (Requirement<Claims> | undefined)[]
): Requirement<Claims> {
  const given = requirements.filter((requirement) => requirement !== undefined)
  const scopes = given.map(({ scope }) => scope).filter((scope) => scope !== undefined)
  return Object.assign({}, ...given, scopes.length > 1 && { scope: { all: scopes satisfies ScopeExpression[] } })
}
