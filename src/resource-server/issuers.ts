import { ConfigurationError, UnavailableError } from '../errors/index.js'
import { createDiscovery, type Discovery } from '../issuer/discovery.js'
import { isIssuer } from '../issuer/identifiers.js'
import type { KeySource } from '../issuer/key-source.js'
import { createRemoteKeys } from '../issuer/remote-keys.js'
import { createStaticKeys } from '../issuer/static-keys.js'
import { createBoundedCache } from '../kit/bounded-cache.js'
import { isJsonObject } from '../kit/json.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import { createSingleFlight } from '../kit/single-flight.js'
import type { Surroundings } from '../kit/surroundings.js'
import { inTime } from '../kit/time-limit.js'
import { type ResolvedIssuer, resolveIssuer } from './options/resolve-issuer.js'
import type { ResolvedOptions } from './options/resolve-options.js'
import type { ResolvedResource } from './options/resolved.js'
import type { IssuerOptions, IssuerResolver } from './options/types.js'
import type { ClaimsTest } from './token/claim-profile.js'
import { createIntrospector, type Introspector } from './token/introspect.js'
import type { KnownHeader, TokenRules } from './token/token-rules.js'
import { comparableType, foreignTokenTypes } from './token/token-type.js'

/** One trusted authorization server at work: its rules, its keys, its metadata. */
export interface Issuer extends TokenRules {
  /** Accepted `aud` values by resource; `undefined`: those of the resource. */
  readonly audiences: ReadonlyMap<string, readonly string[]> | undefined
  /** What stands for an absent `aud`, by resource; `undefined`: nothing has to, where the rules let it lack. */
  readonly standIns: ReadonlyMap<string, readonly ClaimsTest[]> | undefined
  readonly unknownConfirmation: 'refuse' | 'ignore'
  readonly discovery: Discovery
  readonly settings: ResolvedIssuer
  /** `undefined` where the issuer's tokens are never introspected. */
  readonly introspector: Introspector | undefined
}

/** An issuer with an introspection endpoint. */
export interface IntrospectingIssuer extends Issuer {
  readonly introspector: Introspector
}

/** The issuers of one server. */
export interface IssuerRegistry {
  /**
   * The issuer with exactly this identifier. Asks the resolver function only for one on the allow-list.
   *
   * @throws {@link UnavailableError} when the resolver function fails, or takes more than 5 s.
   */
  find(issuer: string): MaybePromise<Issuer | undefined>
  /** The issuer to ask about tokens of this resource that are no JWTs. Always `undefined` under an issuer function. */
  findOpaque(resource: ResolvedResource): IntrospectingIssuer | undefined
  /** Whether tokens of that issuer may be accepted at all. */
  trusts(issuer: string): boolean
  /** Those known so far. */
  known(): readonly Issuer[]
}

const tokenHeaderOfTenant =
  '`tokenHeader` needs an issuer that is listed: which field to read is decided before the token tells its issuer.'
const maxResolvedIssuers = 10_000
const maxKnownHeaders = 200

/**
 * Makes the registry. Issuers of a static list are ready at once; their keys are fetched on first use.
 *
 * @throws {@link ConfigurationError} when a resource has several issuers to ask about tokens that are no JWTs.
 */
export function createIssuerRegistry(options: ResolvedOptions): IssuerRegistry {
  return options.resolver === undefined
    ? createStaticRegistry(options)
    : createTenantRegistry(options, options.resolver)
}

/** A tenant is resolved when a token first names it, once for all concurrent requests; failures are not remembered. */
function createTenantRegistry(options: ResolvedOptions, resolver: IssuerResolver): IssuerRegistry {
  const { surroundings, isTenant } = options
  const flights = createSingleFlight<Issuer | undefined>()
  const ready = createBoundedCache<Issuer>(maxResolvedIssuers)

  async function askResolver(issuer: string): Promise<Omit<IssuerOptions, 'issuer'> | undefined> {
    try {
      return await inTime(() => resolver(issuer))
    } catch (cause) {
      throw new UnavailableError('ERR_DISCOVERY_UNAVAILABLE', {
        detail: 'issuer function failed',
        callback: 'issuer',
        cause,
      })
    }
  }

  async function resolve(issuer: string): Promise<Issuer | undefined> {
    const given = await askResolver(issuer)
    if (!given) return undefined
    if (!isJsonObject(given)) throw new ConfigurationError('The `issuer` function gives an object, or undefined.')
    const settings = resolveIssuer({ ...given, issuer }, surroundings.insecureHosts)
    if (settings.tokenHeader !== undefined) throw new ConfigurationError(tokenHeaderOfTenant)
    const found = createIssuer(settings, options)
    ready.set(issuer, found)
    return found
  }

  return {
    find(issuer) {
      if (!isTenant(issuer)) return undefined
      const known = ready.get(issuer)
      // A live set may know tenants by a pattern, and what a token names is any text.
      if (known !== undefined || !isIssuer(issuer, surroundings.insecureHosts)) return known
      return flights.run(issuer, () => resolve(issuer))
    },
    findOpaque: () => undefined,
    trusts: isTenant,
    known: () => [...ready.values()].filter(({ issuer }) => isTenant(issuer)),
  }
}

/** Whether tokens of an issuer can be introspected. */
export function isIntrospecting(issuer: Issuer): issuer is IntrospectingIssuer {
  return issuer.introspector !== undefined
}

/** Whether the issuer's keys are needed to accept its tokens: not where it is asked about every one of them. */
export function needsKeys({ settings }: Issuer): boolean {
  return settings.introspection?.introspectJwts !== true || settings.introspection.signedResponse
}

/** Whether tokens of `issuer` may be accepted for `resource`. */
export function maySpeakFor(resource: ResolvedResource, issuer: string): boolean {
  return resource.onlyIssuers === undefined || resource.onlyIssuers.has(issuer)
}

function createStaticRegistry(options: ResolvedOptions): IssuerRegistry {
  const listed = new Map(options.issuers.map((settings) => [settings.issuer, createIssuer(settings, options)]))
  const issuers = [...listed.values()]
  const opaque = new Map(options.resources.map((resource) => [resource, onlyIntrospecting(issuers, resource)]))
  return {
    find: (issuer) => listed.get(issuer),
    findOpaque: (resource) => opaque.get(resource),
    trusts: (issuer) => listed.has(issuer),
    known: () => issuers,
  }
}

/** A token that is no JWT names no issuer: only where one alone could have issued it, it is known whom to ask. */
function onlyIntrospecting(issuers: readonly Issuer[], resource: ResolvedResource): IntrospectingIssuer | undefined {
  const [first, second] = issuers.filter(isIntrospecting).filter(({ issuer }) => maySpeakFor(resource, issuer))
  if (second === undefined) return first
  throw new ConfigurationError(
    `Several issuers of ${resource.resource} have \`introspection\`, so that nobody can tell whom to ask about an opaque ` +
      'token. Name one of them in `issuers` of the resource.',
  )
}

function createIssuer(settings: ResolvedIssuer, options: ResolvedOptions): Issuer {
  const { surroundings, schema, tokenCacheEntries } = options
  const { issuer, introspection, unknownConfirmation } = settings
  const resources = options.resources.filter((resource) => maySpeakFor(resource, issuer))
  const discovery = createDiscovery(issuer, surroundings)
  const rules: TokenRules = {
    issuer,
    algorithms: new Set(settings.algorithms),
    tokenTypes: acceptedTypes(settings.tokenTypes),
    headerHolds: settings.headerHolds,
    showsAccessToken: settings.showsAccessToken,
    keys: createKeys(settings, discovery, surroundings),
    knownHeaders: createBoundedCache<KnownHeader>(maxKnownHeaders),
    profile: settings.claimProfile,
    optionalClaims: new Set([...settings.optionalClaims, ...(settings.audienceFrom === undefined ? [] : ['aud'])]),
    clockToleranceMs: settings.clockToleranceSeconds * 1000,
    maxTokenAgeMs: settings.maxTokenAgeSeconds && settings.maxTokenAgeSeconds * 1000,
  }
  const introspector =
    introspection &&
    createIntrospector({ introspection, rules, discovery, surroundings, schema, maxRemembered: tokenCacheEntries })
  return {
    ...rules,
    settings,
    discovery,
    audiences: audiencesByResource(settings, resources),
    standIns: standInsByResource(settings, resources),
    unknownConfirmation,
    introspector,
  }
}

/** No value may stand for two resources: a token of one would pass at the other. */
function audiencesByResource(
  { issuer, audiences }: ResolvedIssuer,
  resources: readonly ResolvedResource[],
): Issuer['audiences'] {
  if (audiences === undefined) return undefined
  const byResource = new Map(
    resources.map((one) => [
      one.resource,
      audiences instanceof Map ? (audiences.get(one.resource) ?? one.audiences) : (audiences as readonly string[]),
    ]),
  )
  if (audiences instanceof Map) checkResources('audience', issuer, [...audiences.keys()], byResource)
  const all = [...byResource.values()].flatMap((accepted) => [...new Set(accepted)])
  const shared = all.find((audience, index) => all.indexOf(audience) < index)
  if (shared === undefined) return byResource
  throw new ConfigurationError(
    `\`audience\` of the issuer ${issuer} makes ${shared} stand for several resources, so that a token of one would pass ` +
      'at another. Give other audiences by resource, as in { [resource]: audience }, or name the issuer in `issuers` of one resource only.',
  )
}

function standInsByResource(
  { issuer, audienceFrom }: ResolvedIssuer,
  resources: readonly ResolvedResource[],
): Issuer['standIns'] {
  if (audienceFrom === undefined) return undefined
  const byResource = new Map<string, ClaimsTest[]>(resources.map(({ resource }) => [resource, []]))
  const [only, second] = byResource.keys()
  for (const { resource = second === undefined ? only : undefined, holds } of audienceFrom) {
    if (resource === undefined) {
      throw new ConfigurationError(
        `\`audienceFrom\` of the issuer ${issuer} needs \`resource\`: it may issue for several, and has to say for which.`,
      )
    }
    checkResources('audienceFrom', issuer, [resource], byResource)
    byResource.get(resource)?.push(holds)
  }
  return byResource
}

function checkResources(
  option: string,
  issuer: string,
  named: readonly string[],
  known: ReadonlyMap<string, unknown>,
): void {
  const unknown = named.find((resource) => !known.has(resource))
  if (unknown === undefined) return
  throw new ConfigurationError(
    `\`${option}\` of the issuer ${issuer} names ${unknown}, which is no resource of this server that it may issue for.`,
  )
}

function createKeys(settings: ResolvedIssuer, discovery: Discovery, surroundings: Surroundings): KeySource {
  if (settings.keys !== undefined) return createStaticKeys(settings.keys, settings.keyRules)
  const { issuer, keyCache: options, keyRules: rules, jwksUri = discovery } = settings
  return createRemoteKeys({ issuer, jwksUri, options, rules, surroundings })
}

function acceptedTypes(given: readonly (string | null)[]): ReadonlySet<string | null> {
  const types = given.map((type) => (type === null ? null : comparableType(type)))
  const foreign = types.find((type) => type !== null && foreignTokenTypes.has(type))
  if (foreign === undefined) return new Set(types)
  throw new ConfigurationError(`\`tokenTypes\` holds ${foreign}, which names another kind of JWT than an access token.`)
}
