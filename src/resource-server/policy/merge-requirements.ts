import type { Requirement } from './requirement.js'

/**
 * One requirement made of several, from the outermost to the innermost: a class and its method, an endpoint and one of
 * its tools. Scopes add up, so that one challenge names them all, and so do roles; of any other member the innermost wins. A
 * member that is `undefined` says nothing. Checks nothing: whoever compiles the result does.
 *
 * @group Resource server
 */
export function mergeRequirements<Claims>(
  ...requirements: readonly (Requirement<Claims> | undefined)[]
): Requirement<Claims> {
  const given = requirements.filter((requirement) => requirement !== undefined)
  const scopes = given.map(({ scope }) => scope).filter((scope) => scope !== undefined)
  const roles = given.map((requirement) => requirement.roles).filter((role) => role !== undefined)
  const stated = given.flatMap(Object.entries).filter(([, value]) => value !== undefined)
  return {
    ...Object.fromEntries(stated),
    ...(scopes.length > 1 && { scope: { all: scopes } }),
    ...(roles.length > 1 && { roles: { all: roles } }),
  }
}
