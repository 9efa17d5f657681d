import type { JsonObject } from '../lib/json.js'
import { ownMember } from '../lib/json.js'
import type { ClaimRule } from './requirement.js'

/**
 * Whether every named claim meets its rule. A claim that is an array meets a rule when one of its items does; a function
 * gets the value as it is, `undefined` when absent. Compares exactly, with no conversion.
 */
export function claimsMeet(claims: JsonObject, rules: Readonly<Record<string, ClaimRule>>): boolean {
  return Object.entries(rules).every(([name, rule]) => claimMeets(ownMember(claims, name), rule))
}

function claimMeets(value: unknown, rule: ClaimRule): boolean {
  if (typeof rule === 'function') return rule(value) === true
  const accepted: readonly unknown[] = Array.isArray(rule) ? rule : [rule]
  return Array.isArray(value) ? value.some((item) => accepted.includes(item)) : accepted.includes(value)
}
