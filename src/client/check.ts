import { isJsonObject } from '../kit/json.js'
import { nearestName } from '../kit/nearest-name.js'
import { ClientConfigurationError } from './errors.js'

/** Says what is wrong with the value of the option `name`; `undefined` when nothing is. Never repeats the value. */
export type Check = (name: string, value: unknown) => string | undefined

/** What an object of options may hold: a check per member, so that the compiler sees none forgotten. */
export type Shape<T> = { readonly [Name in keyof T]-?: Check }

/** Option objects of many shapes at once, such as a union. */
export type AnyShape = Readonly<Record<string, Check>>

/**
 * Refuses options that are no object, hold a member of another name, or a value that cannot be right, nested ones
 * included.
 *
 * @throws {@link ClientConfigurationError} `ERR_CLIENT_CONFIGURATION`, naming the option, and the nearest known name.
 */
export function checkOptions(what: string, options: unknown, shape: AnyShape): void {
  const fault = faultOf(what, '', options, shape)
  if (fault !== undefined) throw mistake(fault)
}

/** A {@link ClientConfigurationError} `ERR_CLIENT_CONFIGURATION`. */
export function mistake(message: string): ClientConfigurationError {
  return new ClientConfigurationError('ERR_CLIENT_CONFIGURATION', { message })
}

/** What is wrong with `value` as an object of this shape; see {@link checkOptions}. */
export function faultOf(what: string, prefix: string, value: unknown, shape: AnyShape): string | undefined {
  if (!isJsonObject(value)) return `\`${what}\` takes an object.`
  const known = Object.keys(shape)
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(shape, name))
  if (unknown !== undefined) {
    const nearest = nearestName(unknown, known)
    const hint = nearest === undefined ? `Known: ${known.join(', ')}.` : `Did you mean \`${nearest}\`?`
    return `\`${what}\` has no option \`${unknown}\`. ${hint}`
  }
  for (const [name, check] of Object.entries(shape)) {
    const fault = check(`${prefix}${name}`, value[name])
    if (fault !== undefined) return fault
  }
  return undefined
}

/** A check that passes what is absent, and wants `isRight` of the rest. */
export function takes(isRight: (value: unknown) => boolean, expected: string): Check {
  return (name, value) => (value === undefined || isRight(value) ? undefined : `\`${name}\` takes ${expected}.`)
}

/** `check`, for an option that must be there. */
export function required(check: Check): Check {
  return (name, value) => check(name, value === undefined ? null : value)
}

/** An object with members of its own. */
export function members(shape: AnyShape): Check {
  return (name, value) => (value === undefined ? undefined : faultOf(name, `${name}.`, value, shape))
}

/** `false`, or what `check` wants. */
export function orFalse(check: Check): Check {
  return (name, value) => (value === false ? undefined : check(name, value))
}

/** A whole number of things, bytes, seconds or milliseconds. */
export function count(min: number, max = 2_147_483_647): Check {
  return takes(
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    `a whole number from ${min} to ${max}`,
  )
}

/** One of a closed set. */
export function choice(...choices: readonly (string | boolean | null)[]): Check {
  return takes(
    (value) => choices.includes(value as string),
    `one of ${choices.map((item) => (typeof item === 'string' ? `'${item}'` : item)).join(', ')}`,
  )
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)

export const text: Check = takes(isText, 'a non-empty string')
export const flag: Check = takes((value) => typeof value === 'boolean', 'true or false')
export const func: Check = takes((value) => typeof value === 'function', 'a function')
export const object: Check = takes(isJsonObject, 'an object')
/** A list of strings. */
export const texts: Check = takes(isTexts, 'an array of non-empty strings')
/** One string or a list of them. */
export const textOrTexts: Check = takes(
  (value) => isText(value) || isTexts(value),
  'a non-empty string or an array of them',
)
/** Strings by name; absent ones are passed over. */
export const textMap: Check = takes(
  (value) =>
    isJsonObject(value) && Object.values(value).every((item) => item === undefined || typeof item === 'string'),
  'an object of strings',
)
/** The value of a header field, visible ASCII. */
export const fieldValue: Check = takes(
  (value) => typeof value === 'string' && /^[\x20-\x7e]{1,256}$/.test(value),
  '1 to 256 characters of visible ASCII',
)
