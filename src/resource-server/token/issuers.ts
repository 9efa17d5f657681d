import { ConfigurationError, UnavailableError } from '../../errors/index.js'
import { createDiscovery, type Discovery } from '../../issuer/discovery.js'
import { checkIssuer, isIssuer } from '../../issuer/identifiers.js'
import type { KeySource } from '../../issuer/key-source.js'
import { createRemoteKeys } from '../../issuer/remote-keys.js'
import { createStaticKeys } from '../../issuer/static-keys.js'
import { createBoundedCache } from '../../kit/bounded-cache.js'
import { callAtOnce } from '../../kit/call-application.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import { isJsonObject } from '../../kit/json.js'
import { refuseRepeats } from '../../kit/options.js'
import { createSingleFlight } from '../../kit/single-flight.js'
import type { Surroundings } from '../../kit/surroundings.js'
import { inTime } from '../../kit/time-limit.js'
import type { TokenTarget } from './audience.js'
import { audiencesByResource, standInsByResource } from './audience.js'
import type { ClaimsSchema } from './claims-schema.js'
import { createIntrospector } from './introspect.js'
import { type IssuerOptions, type IssuerSettings, toIssuerSettings } from './issuer-options.js'
import { acceptedTypes } from './token-type.js'
import {
  type IntrospectingIssuer,
  type Issuer,
  type IssuerRegistry,
  isIntrospecting,
  maySpeakFor,
} from './token-verifier.js'
import type { JwtSettings, KnownHeader } from './verify-jwt.js'

/** A live list of issuers, such as a `Set`. @group Resource server */
export interface IssuerAllowList {
  /** Whether `issuer` may be asked for, byte for byte. Asked at each look-up, so that a removal counts at once. */
  has(issuer: string): boolean
}

/**
 * Gives the options of an issuer on the allow-list when a token first names it; the result is kept. A rejection, or no
 * answer within 5 s, is 503.
 */
export type IssuerResolver = (
  issuer: string,
) => Omit<IssuerOptions, 'issuer'> | undefined | Promise<Omit<IssuerOptions, 'issuer'> | undefined>

const tokenHeaderOfTenant =
  '`tokenHeader` needs an issuer that is listed: which field to read is decided before the token tells its issuer.'

/** What an {@link IssuerRegistry} is made of. */
export interface IssuerRegistrySettings {
  readonly surroundings: Surroundings
  readonly resources: readonly TokenTarget[]
  /** The listed issuers; none where a function gives them. */
  readonly issuers: readonly IssuerSettings[]
  readonly resolver: IssuerResolver | undefined
  readonly isTenant: (issuer: string) => boolean
  readonly schema: ClaimsSchema | undefined
  /** How many answers of introspection are remembered, of each kind and issuer. */
  readonly tokenCacheEntries: number
}

const maxResolvedIssuers = 10_000

const maxKnownHeaders = 200

/**
 * Makes the registry. Issuers of a static list are ready at once; their keys are fetched on first use.
 *
 * @throws {@link ConfigurationError} when a resource has several issuers to ask about tokens that are no JWTs.
 */
export function createIssuerRegistry(options: IssuerRegistrySettings): IssuerRegistry {
  return options.resolver === undefined
    ? createStaticRegistry(options)
    : createTenantRegistry(options, options.resolver)
}

/** A tenant is resolved when a token first names it, once for all concurrent requests; failures are not remembered. */
function createTenantRegistry(options: IssuerRegistrySettings, resolver: IssuerResolver): IssuerRegistry {
  const { surroundings, isTenant } = options
  const flights = createSingleFlight<Issuer | undefined>()
  const ready = createBoundedCache<Issuer>(maxResolvedIssuers)

  async function askResolver(issuer: string): Promise<Omit<IssuerOptions, 'issuer'> | undefined> {
    try {
      return await inTime(() => resolver(issuer))
    } catch (cause) {
      throw new UnavailableError('ERR_ISSUER_UNAVAILABLE', {
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
    const settings = toIssuerSettings({ ...given, issuer }, surroundings.insecureHosts)
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
    mayChange: true,
    known: () => [...ready.values()].filter(({ issuer }) => isTenant(issuer)),
  }
}

/** Whether the issuer's keys are needed to accept its tokens: not where it is asked about every one of them. */
export function needsKeys({ settings }: Issuer): boolean {
  return settings.introspection?.introspectJwts !== true || settings.introspection.signedResponse
}

function createStaticRegistry(options: IssuerRegistrySettings): IssuerRegistry {
  const listed = new Map(options.issuers.map((settings) => [settings.issuer, createIssuer(settings, options)]))
  const issuers = [...listed.values()]
  const opaque = new Map(options.resources.map((resource) => [resource, onlyIntrospecting(issuers, resource)]))
  return {
    find: (issuer) => listed.get(issuer),
    findOpaque: (resource) => opaque.get(resource),
    trusts: (issuer) => listed.has(issuer),
    mayChange: false,
    known: () => issuers,
  }
}

/** A token that is not a JWT names no issuer: only where just one could have issued it, it is known whom to ask. */
function onlyIntrospecting(issuers: readonly Issuer[], resource: TokenTarget): IntrospectingIssuer | undefined {
  const [first, second] = issuers.filter(isIntrospecting).filter(({ issuer }) => maySpeakFor(resource, issuer))
  if (second === undefined) return first
  throw new ConfigurationError(
    `Several issuers of ${resource.resource} have \`introspection\`, so that it cannot be known whom to ask about an opaque ` +
      'token. Name one of them in `issuers` of the resource.',
  )
}

function createIssuer(settings: IssuerSettings, options: IssuerRegistrySettings): Issuer {
  const { surroundings, schema, tokenCacheEntries } = options
  const { issuer, introspection, unknownConfirmation } = settings
  const resources = options.resources.filter((resource) => maySpeakFor(resource, issuer))
  const discovery = createDiscovery(issuer, surroundings)
  const rules: JwtSettings = {
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

function createKeys(settings: IssuerSettings, discovery: Discovery, surroundings: Surroundings): KeySource {
  if (settings.keys !== undefined) return createStaticKeys(settings.keys, settings.keyRules)
  const { issuer, keyCache: options, keyRules: rules, jwksUri = discovery } = settings
  return createRemoteKeys({ issuer, jwksUri, options, rules, surroundings })
}

/** The options that say whose tokens are accepted. */
interface IssuerChoice {
  readonly issuer: string | IssuerOptions | readonly (string | IssuerOptions)[] | IssuerResolver
  readonly tenants?: readonly string[] | IssuerAllowList | undefined
}

/**
 * Checks the issuers of a server; none where a function gives them.
 *
 * @throws {@link ConfigurationError}
 */
export function toKnownIssuers(
  { issuer, tenants }: IssuerChoice,
  insecureHosts: InsecureHosts,
): readonly IssuerSettings[] {
  if (typeof issuer === 'function') return []
  if (issuer === undefined || (Array.isArray(issuer) && issuer.length === 0)) {
    throw new ConfigurationError('`issuer` is missing: name the authorization server whose tokens you accept.')
  }
  if (tenants !== undefined) throw new ConfigurationError('`tenants` goes with an `issuer` that is a function.')
  const given: readonly (string | IssuerOptions)[] = Array.isArray(issuer) ? issuer : [issuer]
  const resolved = given.map((one) => toIssuerSettings(one, insecureHosts))
  refuseRepeats(
    'issuer',
    resolved.map((one) => one.issuer),
  )
  return resolved
}

/** The issuers known beforehand; `undefined` where only a live set of tenants knows them. */
export function knownIssuers(
  { issuer, tenants }: IssuerChoice,
  issuers: readonly IssuerSettings[],
): readonly string[] | undefined {
  if (typeof issuer !== 'function') return issuers.map((one) => one.issuer)
  return Array.isArray(tenants) ? [...tenants] : undefined
}

/**
 * Tells whether a function may be asked for an issuer: a copy of a list tells, or a live set each time. The function
 * throws an {@link InternalError} where a live set fails, or gives a promise.
 *
 * @throws {@link ConfigurationError}
 */
export function toTenantTest(
  { issuer, tenants }: IssuerChoice,
  insecureHosts: InsecureHosts,
): (issuer: string) => boolean {
  if (typeof issuer !== 'function') return () => false
  if (Array.isArray(tenants) && tenants.length > 0) {
    const allowed = new Set(tenants.map((tenant) => checkIssuer('tenants', tenant, insecureHosts)))
    return (candidate) => allowed.has(candidate)
  }
  const live = tenants as Partial<ReadonlySet<string>> | null | undefined
  if (typeof live?.has === 'function') return (candidate) => callAtOnce('tenants', () => live.has?.(candidate)) === true
  throw new ConfigurationError(
    'An `issuer` function needs `tenants`: the complete list of issuers it may be asked for.',
  )
}

/** The header fields that tokens come in besides `Authorization`, by issuer. */
export function tokenHeaders(issuers: readonly IssuerSettings[]): ReadonlyMap<string, string> {
  const given = issuers.flatMap(({ issuer, tokenHeader }) => (tokenHeader ? [[issuer, tokenHeader] as const] : []))
  return new Map(given)
}
