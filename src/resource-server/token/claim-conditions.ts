import { ConfigurationError } from '../../errors/index.js'
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import { type ClaimPathSettings, claimAt, toClaimPath } from './claim-paths.js'

/**
 * What one claim must be. A value, or a list of values of which one must match; an array claim matches when one of its
 * items does. `not`: the claim is there, and is none of these. `present`: whether the claim must be there (`null` counts as absent). `startsWith`, `endsWith`: for text.
 * `sameAs`: equal to the text of another claim. Compares exactly: case counts, nothing is converted.
 */
export type ClaimCondition =
  | string
  | number
  | boolean
  | readonly (string | number | boolean)[]
  | { readonly not: string | number | boolean | readonly (string | number | boolean)[] }
  | { readonly present: boolean }
  | { readonly startsWith: string }
  | { readonly endsWith: string }
  | { readonly sameAs: string }

/**
 * Conditions by claim, as plain data; all of them must hold: `{ token_use: 'access', client_id: ['web', 'app'] }`. The
 * names are read as a {@link ClaimPath} in text form.
 */
export type ClaimConditions = Readonly<Record<string, ClaimCondition>>

/** Whether the claims of a token are as demanded. */
export type ClaimsTest = (claims: JsonObject) => boolean

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/**
 * Compiles conditions on claims, or alternatives of which one suffices; `undefined` when absent.
 *
 * @throws {@link ConfigurationError} for no condition at all, and for one that could not mean what it says.
 */
export function toClaimsTest(name: string, given: unknown): ClaimsTest | undefined {
  if (given === undefined) return undefined
  const alternatives: readonly unknown[] = Array.isArray(given) ? given : [given]
  const tests = alternatives.map((conditions) => allConditions(name, conditions))
  if (tests.length === 0) refuseConditions(name)
  const [only] = tests
  return tests.length === 1 ? only : (claims) => tests.some((test) => test(claims))
}

function allConditions(name: string, given: unknown): ClaimsTest {
  const entries = isJsonObject(given) ? Object.entries(given) : []
  if (entries.length === 0) refuseConditions(name)
  const tests = entries.map(([claim, condition]) => oneCondition(name, toClaimPath(name, claim), condition))
  return (claims) => tests.every((test) => test(claims))
}

function oneCondition(name: string, path: ClaimPathSettings, given: unknown): ClaimsTest {
  if (!isJsonObject(given)) return isOneOf(path, acceptedValues(name, given))
  const [[kind, wanted] = [], ...others] = Object.entries(given)
  if (others.length > 0) refuseConditions(name)
  if (kind === 'present' && typeof wanted === 'boolean') {
    return (claims) => (claimAt(claims, path) !== undefined) === wanted
  }
  if (kind === 'not') return isNoneOf(path, acceptedValues(name, wanted))
  if (!isText(wanted)) return refuseConditions(name)
  if (kind === 'startsWith') return isTextThat(path, (text) => text.startsWith(wanted))
  if (kind === 'endsWith') return isTextThat(path, (text) => text.endsWith(wanted))
  if (kind !== 'sameAs') return refuseConditions(name)
  const other = toClaimPath(name, wanted)
  return (claims) => isText(claimAt(claims, path)) && claimAt(claims, path) === claimAt(claims, other)
}

function acceptedValues(name: string, given: unknown): readonly unknown[] {
  const values: readonly unknown[] = Array.isArray(given) ? [...given] : [given]
  if (values.length === 0 || !values.every(isPlain)) refuseConditions(name)
  return values
}

function isPlain(value: unknown): boolean {
  return isText(value) || typeof value === 'boolean' || Number.isFinite(value)
}

function isOneOf(path: ClaimPathSettings, accepted: readonly unknown[]): ClaimsTest {
  return (claims) => {
    const value = claimAt(claims, path)
    return Array.isArray(value) ? value.some((item) => accepted.includes(item)) : accepted.includes(value)
  }
}

function isNoneOf(path: ClaimPathSettings, refused: readonly unknown[]): ClaimsTest {
  const isRefused = isOneOf(path, refused)
  return (claims) => claimAt(claims, path) !== undefined && !isRefused(claims)
}

function isTextThat(path: ClaimPathSettings, holds: (text: string) => boolean): ClaimsTest {
  return (claims) => {
    const value = claimAt(claims, path)
    return typeof value === 'string' && holds(value)
  }
}

/** Throws the {@link ConfigurationError} that says how conditions are written. */
export function refuseConditions(name: string): never {
  throw new ConfigurationError(
    `\`${name}\` takes conditions by claim, such as { token_use: 'access' } or { azp: ['web', 'app'] }, ` +
      'or { not: … }, { present: true }, { startsWith: … }, { endsWith: … }, { sameAs: … } for a claim; or a list of such objects.',
  )
}
