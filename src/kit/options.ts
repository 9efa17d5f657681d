/**
 * The one way options are checked: every factory gives a rule per option, and the compiler compares the rules with the
 * interface. Does not fill in defaults, and does not compare one option with another: the factory does both.
 */
import { ConfigurationError } from '../errors/index.js'
import { isJsonObject } from './json.js'

/** Says what is wrong with the value of the option `name`; `undefined` when nothing is. Never repeats the value. */
export type Rule = (name: string, value: unknown) => string | undefined

/** One rule per option of `T`, of every member of a union: a name too few or too many does not compile. */
export type Rules<T> = { readonly [Name in T extends unknown ? keyof T & string : never]-?: Rule }

/** Rules whose interface was compared before. */
export type AnyRules = Readonly<Record<string, Rule>>

/**
 * Refuses what is not an object, a member of another name, and a value that cannot be right, nested ones included.
 * `what` says whose options they are. Absent options pass unless their rule is {@link required}.
 * `prefix` stands before the names in messages.
 *
 * @throws `ConfigurationError` naming the option, and for an unknown one the nearest known name.
 */
export function checkOptions<T extends object>(
  what: string,
  options: T,
  rules: Rules<NoInfer<T>>,
  prefix?: string,
): void {
  const fault = faultOf(what, options, rules, prefix)
  if (fault !== undefined) throw new ConfigurationError(fault)
}

/**
 * Refuses the value of one option that is checked by itself, because it takes several forms.
 *
 * @throws `ConfigurationError`
 */
export function checkValue(name: string, value: unknown, rule: Rule): void {
  const wrong = rule(name, value)
  if (wrong !== undefined) throw new ConfigurationError(wrong)
}

/** What is wrong with `options`, in words; see {@link checkOptions}. `prefix` stands before the names in messages. */
export function faultOf(what: string, options: unknown, rules: AnyRules, prefix = ''): string | undefined {
  const names = Object.keys(rules)
  const fault = nameFault(what, options, names)
  if (fault !== undefined) return fault
  for (const name of names) {
    const wrong = (rules[name] as Rule)(`${prefix}${name}`, (options as Record<string, unknown>)[name])
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function nameFault(what: string, options: unknown, known: readonly string[]): string | undefined {
  if (!isJsonObject(options)) return `${what} must be an object.`
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return undefined
  const nearest = nearestName(unknown, known)
  const hint = nearest === undefined ? `Known options: ${known.join(', ')}.` : `Did you mean \`${nearest}\`?`
  return `${what} has no option \`${unknown}\`. ${hint}`
}

/** A rule that passes what is absent, and wants `isRight` of the rest. */
export function takes(isRight: (value: unknown) => boolean, expected: string): Rule {
  return (name, value) => (value === undefined || isRight(value) ? undefined : `\`${name}\` takes ${expected}.`)
}

/** `rule`, for an option that must be there. */
export function required(rule: Rule): Rule {
  return (name, value) => rule(name, value === undefined ? null : value)
}

/** `false`, or what `rule` wants. */
export function orFalse(rule: Rule): Rule {
  return (name, value) => (value === false ? undefined : rule(name, value))
}

/** An object with options of its own. Write `members<X>({ … })`, so that the compiler compares the names. */
export function members<T extends object>(rules: Rules<NoInfer<T>>): Rule {
  return (name, value) => (value === undefined ? undefined : faultOf(`\`${name}\``, value, rules, `${name}.`))
}

/** A whole number of things, bytes, seconds or milliseconds, within bounds, both included. */
export function integer(min: number, max = 2_147_483_647): Rule {
  const isWithin = (value: unknown) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max
  return takes(isWithin, `a whole number from ${min} to ${max}`)
}

/** One of a closed set. */
export function choice(...choices: readonly (string | boolean | null)[]): Rule {
  return takes(
    (value) => choices.includes(value as string),
    `one of ${choices.map((item) => (typeof item === 'string' ? `'${item}'` : item)).join(', ')}`,
  )
}

/** An object with these functions, such as a store. */
export function methods(...names: readonly string[]): Rule {
  return takes(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
    `an object with the functions ${names.join(', ')}`,
  )
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)

/** Whatever it is, the factory checks it itself. */
export const anything: Rule = () => undefined
/** A non-empty string. */
export const text: Rule = takes(isText, 'a non-empty string')
/** True or false. */
export const flag: Rule = takes((value) => typeof value === 'boolean', 'true or false')
/** A function. */
export const func: Rule = takes((value) => typeof value === 'function', 'a function')
/** An object, whatever is in it. */
export const object: Rule = takes(isJsonObject, 'an object')
/** A list of strings; it may be empty. */
export const texts: Rule = takes(isTexts, 'an array of non-empty strings')
/** One string or a list of them; the list may be empty. */
export const textOrTexts: Rule = takes(
  (value) => isText(value) || isTexts(value),
  'a non-empty string or an array of them',
)
/** One string, or a list of at least one. */
export const oneOrMore: Rule = takes(
  (value) => isText(value) || (isTexts(value) && (value as unknown[]).length > 0),
  'a non-empty string or a non-empty array of them',
)
/** Strings by name; absent ones are passed over. */
export const textMap: Rule = takes(
  (value) =>
    isJsonObject(value) && Object.values(value).every((item) => item === undefined || typeof item === 'string'),
  'an object of strings',
)
/** The value of a header field, visible ASCII. */
export const fieldValue: Rule = takes(
  (value) => typeof value === 'string' && /^[\x20-\x7e]{1,256}$/.test(value),
  '1 to 256 characters of visible ASCII',
)

/** A list of our own, frozen, from what {@link oneOrMore} or {@link textOrTexts} let pass. */
export function toList(value: string | readonly string[]): readonly string[] {
  return Object.freeze(typeof value === 'string' ? [value] : [...value])
}

/**
 * Refuses a list that holds a value twice.
 *
 * @throws `ConfigurationError`
 */
export function refuseRepeats(name: string, values: readonly string[]): void {
  const seen = new Set<string>()
  const repeated = values.find((value) => seen.size === seen.add(value).size)
  if (repeated !== undefined) throw new ConfigurationError(`\`${name}\` lists ${repeated} twice; list it once.`)
}

/**
 * The one of `known` that `name` was most likely meant to be: the one with the fewest letters changed, else one that is
 * part of it or that it is part of. `undefined` when none is near.
 */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const given = name.toLowerCase()
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(given, candidate.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance)
  const [best] = ranked
  if (best !== undefined && best.distance <= Math.max(2, Math.ceil(name.length / 3))) return best.candidate
  return known.find((candidate) => {
    const other = candidate.toLowerCase()
    return name.length > 2 && (other.includes(given) || given.includes(other))
  })
}

/**
 * The one of `known` that `name` is a slip of: at most two letters off, or in another case. `undefined` for `known` names
 * themselves. For objects whose other members belong to others, where {@link checkOptions} would refuse too much.
 *
 * @group Adapters
 */
export function misspelt(name: string, known: readonly string[]): string | undefined {
  const isNear = (candidate: string) => editDistance(name.toLowerCase(), candidate.toLowerCase()) <= 2
  return known.includes(name) ? undefined : known.find(isNear)
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...left].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...right].entries()) {
      const replaced = (row[j] as number) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
