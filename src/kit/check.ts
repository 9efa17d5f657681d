import { ConfigurationError } from '../errors/index.js'

export { checkNames, refuseRepeats } from './options.js'

/**
 * A number within bounds, or the default when absent.
 *
 * @throws {@link ConfigurationError}
 */
export function numberOption<Fallback extends number | undefined>(
  name: string,
  value: unknown,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: Fallback },
): number | Fallback {
  if (value === undefined) return fallback
  if (typeof value === 'number' && value >= min && value <= max) return value
  const otherwise = fallback === undefined ? 'no limit' : String(fallback)
  throw new ConfigurationError(`\`${name}\` takes a number from ${min} to ${max}; leave it out for ${otherwise}.`)
}

/**
 * A whole number within bounds, or the default when absent: for counts and sizes.
 *
 * @throws {@link ConfigurationError}
 */
export function integerOption<Fallback extends number | undefined>(
  name: string,
  value: unknown,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: Fallback },
): number | Fallback {
  if (value === undefined || Number.isInteger(value)) return numberOption(name, value, { min, max, fallback })
  const otherwise = fallback === undefined ? 'no limit' : String(fallback)
  throw new ConfigurationError(`\`${name}\` takes an integer from ${min} to ${max}; leave it out for ${otherwise}.`)
}

/**
 * A string or a non-empty array of non-empty strings, as an array of our own; the default when absent.
 *
 * @throws {@link ConfigurationError}
 */
export function listOption(name: string, value: unknown, fallback: readonly string[]): readonly string[] {
  if (value === undefined) return fallback
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')) {
    return Object.freeze([...list]) as readonly string[]
  }
  throw new ConfigurationError(`\`${name}\` takes a non-empty string or a non-empty array of them.`)
}

/**
 * A non-empty string, or `undefined` when absent.
 *
 * @throws {@link ConfigurationError}
 */
export function textOption(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw new ConfigurationError(`\`${name}\` takes a non-empty string.`)
}

/**
 * One of a closed set of values, or the default when absent.
 *
 * @throws {@link ConfigurationError}
 */
export function choiceOption<T extends string, Fallback extends T | undefined>(
  name: string,
  value: unknown,
  choices: readonly T[],
  fallback: Fallback,
): T | Fallback {
  if (value === undefined) return fallback
  if (choices.includes(value as T)) return value as T
  throw new ConfigurationError(`\`${name}\` takes one of ${choices.map((choice) => `'${choice}'`).join(', ')}.`)
}

/**
 * A function, or the default when absent.
 *
 * @throws {@link ConfigurationError}
 */
export function functionOption<T>(name: string, value: T): T {
  if (value === undefined || typeof value === 'function') return value
  throw new ConfigurationError(`\`${name}\` takes a function.`)
}

/**
 * True, false, or the default when absent.
 *
 * @throws {@link ConfigurationError}
 */
export function booleanOption(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw new ConfigurationError(`\`${name}\` takes true or false.`)
}
