import { createBoundedCache } from '../lib/bounded-cache.js'
import { isStringArray, type JsonObject, ownMember } from '../lib/json.js'

/** The names a profile reads, first present one first; `joined` where an array of strings is accepted as a scope list. */
export interface ResolvedClaimProfile {
  readonly clientId: readonly string[]
  readonly scope: readonly string[]
  /** Whether a scope claim may be an array: only where a profile was given. */
  readonly scopeArrays: boolean
  readonly roles: readonly string[]
  readonly tenant: readonly string[]
}

/** The value of the first of `names` that is there. A dot in a name that is no claim itself goes one level down. */
export function firstClaim(claims: JsonObject, names: readonly string[]): unknown {
  for (const name of names) {
    const value = ownMember(claims, name) ?? nestedClaim(claims, name)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}

function nestedClaim(claims: JsonObject, path: string): unknown {
  if (!path.includes('.')) return undefined
  let value: unknown = claims
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as JsonObject)[name]
  }
  return value
}

const none: readonly string[] = Object.freeze([])

/** Few scope claims stand in many tokens: each list is made once, and takes the memory of one. */
const sharedLists = createBoundedCache<readonly string[]>(1000)
const maxSharedLength = 512

/**
 * The scopes in a scope claim: a space-delimited string (RFC 9068 §2.2.3) or, where `arrays` allows it, an array of
 * strings. An absent or empty claim is no scope. `undefined` for any other value. The result is frozen, since every
 * request with the same token shares it.
 */
export function readScopes(value: unknown, arrays: boolean): readonly string[] | undefined {
  if (value === undefined || value === '') return none
  if (typeof value === 'string') return sharedLists.get(value) ?? splitScopes(value)
  return arrays && isStringArray(value) ? Object.freeze(value) : undefined
}

/** One space parts scopes (RFC 6749 §3.3); where there are more, nothing stands between them. */
function splitScopes(text: string): readonly string[] {
  const parts = text.split(' ')
  const scopes = Object.freeze(parts.includes('') ? parts.filter((part) => part !== '') : parts)
  if (text.length <= maxSharedLength) sharedLists.set(text, scopes)
  return scopes
}

/** The roles in a role claim: one string or an array of strings; nothing for any other value. The result is frozen. */
export function readRoles(value: unknown): readonly string[] {
  if (typeof value === 'string') return Object.freeze([value])
  return isStringArray(value) ? Object.freeze(value) : none
}
