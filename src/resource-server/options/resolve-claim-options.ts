import { ConfigurationError } from '../../errors/index.js'
import { checkNames, textOption } from '../../kit/check.js'
import { isJsonObject } from '../../kit/json.js'
import {
  type ClaimsTest,
  claimAt,
  type ResolvedClaimPath,
  type ResolvedClaimProfile,
  type ResolvedRolePath,
} from '../token/claim-profile.js'
import type { AudienceStandIn, ClaimProfile } from './claim-options.js'

/** What stands for the audience, checked. */
export interface ResolvedStandIn {
  readonly holds: ClaimsTest
  readonly resource: string | undefined
}

const profileNames = ['clientId', 'scope', 'roles', 'tenant', 'subjectStandIn', 'clientToken', 'userToken']
const never: ClaimsTest = () => false

/**
 * Checks a claim profile and fills in its defaults.
 *
 * @throws {@link ConfigurationError} for a path that no claim can stand at, and conditions that cannot hold.
 */
export function resolveClaimProfile(profile: ClaimProfile = {}): ResolvedClaimProfile {
  checkNames('`claimProfile`', profile, profileNames)
  const paths = (name: 'clientId' | 'scope' | 'tenant' | 'subjectStandIn', fallback: readonly string[]) =>
    resolvePaths(`claimProfile.${name}`, profile[name] ?? fallback)
  return Object.freeze({
    clientId: paths('clientId', ['client_id']),
    scope: paths('scope', ['scope', 'scp']),
    roles: resolveRoles(profile.roles ?? ['roles']),
    tenant: profile.tenant === undefined ? [] : paths('tenant', []),
    subjectStandIn: profile.subjectStandIn === undefined ? [] : paths('subjectStandIn', []),
    clientToken: resolveConditions('claimProfile.clientToken', profile.clientToken) ?? never,
    userToken: resolveConditions('claimProfile.userToken', profile.userToken) ?? never,
  })
}

function resolvePaths(name: string, given: unknown): readonly ResolvedClaimPath[] {
  const paths: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (paths.length === 0) refusePath(name)
  return Object.freeze(paths.map((path) => resolvePath(name, path)))
}

const roleForms: readonly unknown[] = ['object-keys', 'comma-list']

function resolveRoles(given: unknown): readonly ResolvedRolePath[] {
  const name = 'claimProfile.roles'
  const places: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (places.length === 0) refusePath(name)
  return Object.freeze(places.map((place) => resolveRole(name, place)))
}

function resolveRole(name: string, place: unknown): ResolvedRolePath {
  if (!isJsonObject(place)) return { ...resolvePath(name, place), form: 'names' }
  checkNames(`A place of \`${name}\``, place, ['claim', 'form'])
  const { claim, form } = place
  if (!roleForms.includes(form))
    throw new ConfigurationError(`\`${name}\` takes the form 'object-keys' or 'comma-list'.`)
  return { ...resolvePath(name, claim), form: form as ResolvedRolePath['form'] }
}

/** What other tools write for a path, and what no dot can be meant to divide. */
const otherNotation = /^\$|^\/|[[\]]|^\s|\s$/

function resolvePath(name: string, given: unknown): ResolvedClaimPath {
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

function refusePath(name: string): never {
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
export function resolveConditions(name: string, given: unknown): ClaimsTest | undefined {
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
  const tests = entries.map(([claim, condition]) => oneCondition(name, resolvePath(name, claim), condition))
  return (claims) => tests.every((test) => test(claims))
}

function oneCondition(name: string, path: ResolvedClaimPath, given: unknown): ClaimsTest {
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
  const other = resolvePath(name, wanted)
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

function isOneOf(path: ResolvedClaimPath, accepted: readonly unknown[]): ClaimsTest {
  return (claims) => {
    const value = claimAt(claims, path)
    return Array.isArray(value) ? value.some((item) => accepted.includes(item)) : accepted.includes(value)
  }
}

function isNoneOf(path: ResolvedClaimPath, refused: readonly unknown[]): ClaimsTest {
  const isRefused = isOneOf(path, refused)
  return (claims) => claimAt(claims, path) !== undefined && !isRefused(claims)
}

function isTextThat(path: ResolvedClaimPath, holds: (text: string) => boolean): ClaimsTest {
  return (claims) => {
    const value = claimAt(claims, path)
    return typeof value === 'string' && holds(value)
  }
}

function refuseConditions(name: string): never {
  throw new ConfigurationError(
    `\`${name}\` takes conditions by claim, such as { token_use: 'access' } or { azp: ['web', 'app'] }, ` +
      'or { not: … }, { present: true }, { startsWith: … }, { endsWith: … }, { sameAs: … } for a claim; or a list of such objects.',
  )
}

/** Claims in which the tokens of all clients of an issuer are alike. */
const sharedClaims: readonly string[] = ['iss', 'typ', 'token_use', 'token_type']

/**
 * Checks what stands for the audience; `undefined` when absent.
 *
 * @throws {@link ConfigurationError} for conditions that any token of the issuer may meet.
 */
export function resolveAudienceFrom(given: unknown): readonly ResolvedStandIn[] | undefined {
  if (given === undefined) return undefined
  const standIns: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (standIns.length === 0) throw new ConfigurationError('`audienceFrom` is empty; leave it out to demand `aud`.')
  return Object.freeze(standIns.map(resolveStandIn))
}

function resolveStandIn(given: unknown): ResolvedStandIn {
  checkNames('`audienceFrom`', given, ['claims', 'resource'])
  const { claims, resource } = given as AudienceStandIn
  if (Array.isArray(claims)) refuseConditions('audienceFrom.claims')
  const holds = resolveConditions('audienceFrom.claims', claims ?? null) as ClaimsTest
  if (!Object.entries<unknown>(claims).some(([claim, condition]) => tellsClients(claim, condition))) {
    throw new ConfigurationError(
      '`audienceFrom` must hold a claim such as client_id or azp against values: without one, any token of the issuer passes.',
    )
  }
  return Object.freeze({ holds, resource: textOption('audienceFrom.resource', resource) })
}

function tellsClients(claim: string, condition: unknown): boolean {
  return !sharedClaims.includes(claim) && (Array.isArray(condition) || typeof condition === 'string')
}
