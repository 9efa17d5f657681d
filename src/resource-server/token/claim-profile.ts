import { ConfigurationError } from '../../errors/index.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { isJsonObject, isStringArray, type JsonObject } from '../../kit/json.js'
import { anything, checkOptions, choice, type Rules, required } from '../../kit/options.js'
import {
  type ClaimConditions,
  type ClaimPath,
  type ClaimPathSettings,
  type ClaimsTest,
  claimAt,
  refusePath,
  toClaimPath,
  toClaimsTest,
} from './claim-conditions.js'

/** A place of roles whose value is neither one name nor a list of names. @group Resource server */
export interface RoleClaim {
  /** Where it stands. */
  readonly claim: ClaimPath
  /** `object-keys`: an object whose members are named after the roles. `comma-list`: one text, with commas between. */
  readonly form: 'object-keys' | 'comma-list'
}

/** Where an issuer puts what a request needs. Where several claims are named, see each member. @group Resource server */
export interface ClaimProfile {
  /** The first one present wins. Default `['client_id']`. */
  readonly clientId?: string | readonly ClaimPath[] | undefined
  /** The first one present wins. Default `['scope', 'scp']`. A space-delimited string, or an array of strings. */
  readonly scope?: string | readonly ClaimPath[] | undefined
  /**
   * The roles of all of them add up. Default `['roles']`. A string is one role, an array of strings several; for other forms
   * see {@link RoleClaim}.
   */
  readonly roles?: string | RoleClaim | readonly (ClaimPath | RoleClaim)[] | undefined
  /** The first one present wins. Default none. */
  readonly tenant?: string | readonly ClaimPath[] | undefined
  /**
   * What stands for the subject in tokens whose `sub` is absent or empty; the first one present wins. It must never be what
   * another token may have as `sub`. Default none: such tokens are refused.
   */
  readonly subjectStandIn?: string | readonly ClaimPath[] | undefined
  /**
   * What shows that no user stands behind a token; of several, one suffices. Makes `isClientToken` true, as `sub` equal
   * to the client always does. Default none.
   */
  readonly clientToken?: ClaimConditions | readonly ClaimConditions[] | undefined
  /**
   * What shows that a user stands behind a token; of several, one suffices. Makes `isClientToken` false where nothing
   * makes it true. Default none: `isClientToken` is then never false.
   */
  readonly userToken?: ClaimConditions | readonly ClaimConditions[] | undefined
}

/** Where roles stand, and in which form. */
export interface RolePathSettings extends ClaimPathSettings {
  readonly form: 'names' | 'object-keys' | 'comma-list'
}

/** What a profile reads, and from where. */
export interface ClaimProfileSettings {
  readonly clientId: readonly ClaimPathSettings[]
  readonly scope: readonly ClaimPathSettings[]
  readonly roles: readonly RolePathSettings[]
  readonly tenant: readonly ClaimPathSettings[]
  /** What stands for `sub` where it is absent or empty. Empty: nothing. */
  readonly subjectStandIn: readonly ClaimPathSettings[]
  readonly clientToken: ClaimsTest
  readonly userToken: ClaimsTest
}

const profileRules: Rules<ClaimProfile> = {
  clientId: anything,
  scope: anything,
  roles: anything,
  tenant: anything,
  subjectStandIn: anything,
  clientToken: anything,
  userToken: anything,
}

const never: ClaimsTest = () => false

/**
 * Checks a claim profile and fills in its defaults.
 *
 * @throws {@link ConfigurationError} for a path that no claim can stand at, and conditions that cannot hold.
 */
export function toClaimProfileSettings(profile: ClaimProfile = {}): ClaimProfileSettings {
  checkOptions('`claimProfile`', profile, profileRules)
  const paths = (name: 'clientId' | 'scope' | 'tenant' | 'subjectStandIn', fallback: readonly string[]) =>
    toClaimPaths(`claimProfile.${name}`, profile[name] ?? fallback)
  return Object.freeze({
    clientId: paths('clientId', ['client_id']),
    scope: paths('scope', ['scope', 'scp']),
    roles: toRolePaths(profile.roles ?? ['roles']),
    tenant: profile.tenant === undefined ? [] : paths('tenant', []),
    subjectStandIn: profile.subjectStandIn === undefined ? [] : paths('subjectStandIn', []),
    clientToken: toClaimsTest('claimProfile.clientToken', profile.clientToken) ?? never,
    userToken: toClaimsTest('claimProfile.userToken', profile.userToken) ?? never,
  })
}

function toClaimPaths(name: string, given: unknown): readonly ClaimPathSettings[] {
  const paths: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (paths.length === 0) refusePath(name)
  return Object.freeze(paths.map((path) => toClaimPath(name, path)))
}

const roleRules: Rules<RoleClaim> = { claim: anything, form: required(choice('object-keys', 'comma-list')) }

function toRolePaths(given: unknown): readonly RolePathSettings[] {
  const name = 'claimProfile.roles'
  const places: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (places.length === 0) refusePath(name)
  return Object.freeze(places.map((place) => toRolePath(name, place)))
}

function toRolePath(name: string, place: unknown): RolePathSettings {
  if (!isJsonObject(place)) return { ...toClaimPath(name, place), form: 'names' }
  const given = place as unknown as RoleClaim
  checkOptions<RoleClaim>(`A place of \`${name}\``, given, roleRules, `${name}.`)
  return { ...toClaimPath(name, given.claim), form: given.form }
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
  if (value === undefined || value === '') return noNames
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
