import { ConfigurationError } from '../../errors/index.js'
import { isJsonObject, type JsonObject, ownMember } from '../../kit/json.js'

/**
 * Where a claim stands: its name, or the way down to it. In a text a dot goes one level down, unless a claim has that
 * very name: `realm_access.roles`. A list names each level by itself, for names that hold dots:
 * `['resource_access', 'api.example.com', 'roles']`.
 */
export type ClaimPath = string | readonly string[]

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

/** Where a claim may stand: under its whole name, else down the steps. At least one of both is there. */
export interface ClaimPathSettings {
  readonly whole: string | undefined
  readonly steps: readonly string[] | undefined
}

/** Whether the claims of a token are as demanded. */
export type ClaimsTest = (claims: JsonObject) => boolean

/** The claim at `path`; `undefined` where it is absent or `null`. Looks at own members only, at every level. */
export function claimAt(claims: JsonObject, { whole, steps }: ClaimPathSettings): unknown {
  const value = whole === undefined ? undefined : ownMember(claims, whole)
  return value ?? (steps && stepDown(claims, steps)) ?? undefined
}

function stepDown(claims: JsonObject, steps: readonly string[]): unknown {
  let value: unknown = claims
  for (const name of steps) value = isJsonObject(value) ? ownMember(value, name) : undefined
  return value
}

/** What other tools write for a path, and what no dot can be meant to divide. */
const otherNotation = /^\$|^\/|[[\]]|^\s|\s$/

/**
 * Checks the path of a claim. `name` is the option it stands in, for the message.
 *
 * @throws {@link ConfigurationError}
 */
export function toClaimPath(name: string, given: unknown): ClaimPathSettings {
  if (Array.isArray(given)) {
    if (given.length === 0 || !given.every(isText)) refusePath(name)
    return given.length === 1 ? { whole: given[0], steps: undefined } : { whole: undefined, steps: [...given] }
  }
  if (!isText(given) || otherNotation.test(given)) return refusePath(name)
  const steps = given.split('.')
  if (steps.includes('')) refusePath(name)
  return { whole: given, steps: steps.length > 1 ? steps : undefined }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Throws the {@link ConfigurationError} that says how the path of a claim is written. */
export function refusePath(name: string): never {
  throw new ConfigurationError(
    `\`${name}\` takes names of claims such as 'roles' or 'realm_access.roles', or a list of them. ` +
      "A name that holds dots or brackets itself is written level by level: [['resource_access', 'my.app', 'roles']].",
  )
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
