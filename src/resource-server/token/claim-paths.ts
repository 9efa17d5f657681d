/** Where claims stand, and what stands there: a value, scopes, roles. Does NOT check a token. */
import { ConfigurationError } from '../../errors/index.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'

/**
 * Where a claim stands: its name, or the way down to it. In a text a dot goes one level down, unless a claim has that
 * very name: `realm_access.roles`. A list names each level by itself, for names that hold dots:
 * `['resource_access', 'api.example.com', 'roles']`.
 */
export type ClaimPath = string | readonly string[]

/** Where a claim may stand: under its whole name, else down the steps. At least one of both is there. */
export interface ClaimPathSettings {
  readonly whole: string | undefined
  readonly steps: readonly string[] | undefined
}

/** Where roles stand, and in which form. */
export interface RolePathSettings extends ClaimPathSettings {
  readonly form: 'names' | 'object-keys' | 'comma-list'
}

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

/** The value of the first of `paths` that is there. */
export function firstClaim(claims: JsonObject, paths: readonly ClaimPathSettings[]): unknown {
  for (const path of paths) {
    const value = claimAt(claims, path)
    if (value !== undefined) return value
  }
  return undefined
}

const noNames: readonly string[] = Object.freeze([])

/** Few scope claims stand in many tokens: each list is made once, and takes the memory of one. */
const sharedLists = createBoundedCache<readonly string[]>(1000)

const maxSharedLength = 512

/**
 * The scopes in a scope claim: a space-delimited string (RFC 9068 §2.2.3) or an array of strings. An absent or empty
 * claim is not a scope. `undefined` for any other value. The result is frozen, since every request with the same token
 * shares it.
 */
export function readScopes(value: unknown): readonly string[] | undefined {
  if (value === undefined) return noNames
  if (typeof value === 'string') return sharedLists.get(value) ?? splitScopes(value)
  return isStringArray(value) ? Object.freeze(value) : undefined
}

/** One space parts scopes (RFC 6749 §3.3); where there are more, nothing stands between them. */
function splitScopes(text: string): readonly string[] {
  const parts = text.split(' ')
  const scopes = Object.freeze(parts.includes('') ? parts.filter((part) => part !== '') : parts)
  if (text.length <= maxSharedLength) sharedLists.set(text, scopes)
  return scopes
}

/**
 * The roles at all of `paths` together, each once; nothing for a value that is not of the form of its path. The result is
 * frozen.
 */
export function readRoles(claims: JsonObject, paths: readonly RolePathSettings[]): readonly string[] {
  let roles = noNames
  for (const path of paths) {
    const found = rolesIn(claimAt(claims, path), path.form)
    if (found.length > 0) roles = roles === noNames ? found : [...new Set([...roles, ...found])]
  }
  return Object.freeze(roles)
}

function rolesIn(value: unknown, form: RolePathSettings['form']): readonly string[] {
  if (form === 'object-keys') return isJsonObject(value) ? Object.keys(value) : noNames
  if (typeof value === 'string') return form === 'names' ? [value] : splitAtCommas(value)
  return form === 'names' && isStringArray(value) ? value : noNames
}

function splitAtCommas(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
