import { ConfigurationError } from '../../errors/index.js'
import { isJsonObject } from '../../kit/json.js'
import { anything, checkOptions, choice, type Rules, required } from '../../kit/options.js'
import { type ClaimConditions, type ClaimsTest, toClaimsTest } from './claim-conditions.js'
import {
  type ClaimPath,
  type ClaimPathSettings,
  type RolePathSettings,
  refusePath,
  toClaimPath,
} from './claim-paths.js'

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

/** What a profile reads, and from where. */
export interface ClaimProfileSettings {
  readonly clientId: readonly ClaimPathSettings[]
  readonly scope: readonly ClaimPathSettings[]
  readonly roles: readonly RolePathSettings[]
  readonly tenant: readonly ClaimPathSettings[]
  /** What stands for `sub` where it is absent or empty. Empty: nothing. */
  readonly subjectStandIn: readonly ClaimPathSettings[]
  /** `undefined`: nothing shows it. Like the next. */
  readonly clientToken: ClaimsTest | undefined
  readonly userToken: ClaimsTest | undefined
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

/**
 * Checks a claim profile and fills in its defaults.
 *
 * @throws {@link ConfigurationError} for a path that no claim can stand at, and conditions that cannot hold.
 */
export function toClaimProfileSettings(profile: ClaimProfile = {}): ClaimProfileSettings {
  checkOptions('`claimProfile`', profile, profileRules)
  const paths = (name: 'clientId' | 'scope' | 'tenant' | 'subjectStandIn', given: unknown) =>
    toClaimPaths(`claimProfile.${name}`, given)
  return Object.freeze({
    clientId: paths('clientId', profile.clientId ?? ['client_id']),
    scope: paths('scope', profile.scope ?? ['scope', 'scp']),
    roles: toRolePaths(profile.roles ?? ['roles']),
    tenant: profile.tenant === undefined ? [] : paths('tenant', profile.tenant),
    subjectStandIn: profile.subjectStandIn === undefined ? [] : paths('subjectStandIn', profile.subjectStandIn),
    clientToken: toClaimsTest('claimProfile.clientToken', profile.clientToken),
    userToken: toClaimsTest('claimProfile.userToken', profile.userToken),
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
