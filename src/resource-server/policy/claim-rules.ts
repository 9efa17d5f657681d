import { ConfigurationError } from '../../errors/index.js'
import { callAtOnce } from '../../kit/call-application.js'
import { isJsonObject, type JsonObject, ownMember } from '../../kit/json.js'
import type { ClaimRule } from './requirement.js'

/** Whether the value of one claim is acceptable. */
type ClaimTest = (value: unknown) => boolean

/**
 * Compiles rules on claims, by name. All of them must be met. A claim that is an array meets a rule when one of its items
 * does; a function gets the value as it is, `undefined` when absent. Compares exactly, with no conversion.
 *
 * @throws {@link ConfigurationError} for no rule at all and for a rule that could not mean what it says, `undefined`
 * above all: an absent claim would meet it.
 */
export function compileClaimRules(rules: Readonly<Record<string, ClaimRule>>): (claims: JsonObject) => boolean {
  const tests = isJsonObject(rules)
    ? Object.entries(rules).map(([name, rule]) => [name, compileRule(name, rule)] as const)
    : []
  if (tests.length === 0) {
    throw new ConfigurationError(
      '`claims` takes an object of rules by claim name, or a function; leave it out for none.',
    )
  }
  return (claims) => tests.every(([name, test]) => test(ownMember(claims, name)))
}

function compileRule(name: string, rule: ClaimRule): ClaimTest {
  if (typeof rule === 'function') return (value) => callAtOnce('claims', () => rule(value)) === true
  const accepted: readonly unknown[] = Array.isArray(rule) ? [...rule] : [rule]
  if (accepted.length === 0 || !accepted.every(isPlain)) {
    throw new ConfigurationError(
      `\`claims.${name}\` takes a string, a number, a boolean, a list of them, or a function.`,
    )
  }
  return (value) => (Array.isArray(value) ? value.some((item) => accepted.includes(item)) : accepted.includes(value))
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}
