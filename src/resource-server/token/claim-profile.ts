import { createBoundedCache } from '../../kit/bounded-cache.js'
import { isJsonObject, isStringArray, type JsonObject, ownMember } from '../../kit/json.js'

/** Where a claim may stand: under its whole name, else down the steps. At least one of both is there. */
export interface ResolvedClaimPath {
  readonly whole: string | undefined
  readonly steps: readonly string[] | undefined
}

/** Where roles stand, and in which form. */
export interface ResolvedRolePath extends ResolvedClaimPath {
  readonly form: 'names' | 'object-keys' | 'comma-list'
}

/** Whether the claims of a token are as demanded. */
export type ClaimsTest = (claims: JsonObject) => boolean

/** What a profile reads, and from where. */
export interface ResolvedClaimProfile {
  readonly clientId: readonly ResolvedClaimPath[]
  readonly scope: readonly ResolvedClaimPath[]
  readonly roles: readonly ResolvedRolePath[]
  readonly tenant: readonly ResolvedClaimPath[]
  /** What stands for `sub` where it is absent or empty. Empty: nothing. */
  readonly subjectStandIn: readonly ResolvedClaimPath[]
  readonly clientToken: ClaimsTest
  readonly userToken: ClaimsTest
}

/** The claim at `path`; `undefined` where it is absent or `null`. Looks at own members only, at every level. */
export function claimAt(claims: JsonObject, { whole, steps }: ResolvedClaimPath): unknown {
  const value = whole === undefined ? undefined : ownMember(claims, whole)
  return value ?? (steps && stepDown(claims, steps)) ?? undefined
}

function stepDown(claims: JsonObject, steps: readonly string[]): unknown {
  let value: unknown = claims
  for (const name of steps) value = isJsonObject(value) ? ownMember(value, name) : undefined
  return value
}

/** The value of the first of `paths` that is there. */
export function firstClaim(claims: JsonObject, paths: readonly ResolvedClaimPath[]): unknown {
  for (const path of paths) {
    const value = claimAt(claims, path)
    if (value !== undefined) return value
  }
  return undefined
}

const none: readonly string[] = Object.freeze([])

/** Few scope claims stand in many tokens: each list is made once, and takes the memory of one. */
const sharedLists = createBoundedCache<readonly string[]>(1000)
const maxSharedLength = 512

/**
 * The scopes in a scope claim: a space-delimited string (RFC 9068 §2.2.3) or an array of strings. An absent or empty
 * claim is no scope. `undefined` for any other value. The result is frozen, since every request with the same token
 * shares it.
 */
export function readScopes(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === '') return none
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
export function readRoles(claims: JsonObject, paths: readonly ResolvedRolePath[]): readonly string[] {
  let roles = none
  for (const path of paths) {
    const found = rolesIn(claimAt(claims, path), path.form)
    if (found.length > 0) roles = roles === none ? found : [...new Set([...roles, ...found])]
  }
  return Object.freeze(roles)
}

function rolesIn(value: unknown, form: ResolvedRolePath['form']): readonly string[] {
  if (form === 'object-keys') return isJsonObject(value) ? Object.keys(value) : none
  if (typeof value === 'string') return form === 'names' ? [value] : splitAtCommas(value)
  return form === 'names' && isStringArray(value) ? value : none
}

function splitAtCommas(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
