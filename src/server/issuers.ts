import { ConfigurationError, UnavailableError } from '../errors/index.js'
import type { KeySource } from '../keys/contract.js'
import { createDiscovery, type Discovery } from '../keys/discovery.js'
import { createKeySet } from '../keys/key-set.js'
import { createStaticKeys } from '../keys/static-keys.js'
import type { MaybePromise } from '../lib/maybe-promise.js'
import { createTwoGenerationCache } from '../lib/two-generation-cache.js'
import { type ResolvedIssuer, resolveIssuer } from '../options/resolve-issuer.js'
import type { ResolvedOptions } from '../options/resolve-options.js'
import type { Surroundings } from '../options/resolved.js'
import type { KnownHeader, TokenRules } from '../token/token-rules.js'
import { comparableType, foreignTokenTypes } from '../token/token-type.js'

/** One trusted authorization server at work: its rules, its keys, its metadata. */
export interface Issuer extends TokenRules {
  /** Accepted `aud` values; `undefined`: those of the resource. */
  readonly audiences: readonly string[] | undefined
  readonly unknownConfirmation: 'refuse' | 'ignore'
  readonly discovery: Discovery
  readonly settings: ResolvedIssuer
}

/** The issuers of one server. */
export interface IssuerRegistry {
  /**
   * The issuer with exactly this identifier. Asks the resolver function only for one on the allow-list.
   *
   * @throws {@link UnavailableError} when the resolver function fails.
   */
  find(issuer: string): MaybePromise<Issuer | undefined>
  /** Those known so far. */
  known(): readonly Issuer[]
}

const maxResolvedIssuers = 10_000
const maxKnownHeaders = 200

/** Makes the registry. Issuers of a static list are ready at once; their keys are fetched on first use. */
export function createIssuerRegistry(options: ResolvedOptions): IssuerRegistry {
  const { surroundings, resolver, isTenant } = options
  const listed = new Map(options.issuers.map((settings) => [settings.issuer, createIssuer(settings, surroundings)]))
  if (resolver === undefined) return { find: (issuer) => listed.get(issuer), known: () => [...listed.values()] }

  const resolved = createTwoGenerationCache<Promise<Issuer | undefined>>(maxResolvedIssuers)
  const ready = createTwoGenerationCache<Issuer>(maxResolvedIssuers)

  async function resolve(issuer: string): Promise<Issuer | undefined> {
    try {
      const given = await resolver?.(issuer)
      const found =
        given && createIssuer(resolveIssuer({ ...given, issuer }, surroundings.allowInsecureLoopback), surroundings)
      if (found !== undefined) ready.set(issuer, found)
      return found
    } catch (cause) {
      if (cause instanceof ConfigurationError) throw cause
      throw new UnavailableError('ERR_DISCOVERY_UNAVAILABLE', { detail: 'issuer function failed', cause })
    } finally {
      resolved.delete(issuer)
    }
  }

  return {
    find(issuer) {
      if (!isTenant(issuer)) return undefined
      const found = ready.get(issuer) ?? resolved.get(issuer)
      if (found !== undefined) return found
      const flight = resolve(issuer)
      resolved.set(issuer, flight)
      return flight
    },
    known: () => [],
  }
}

function createIssuer(settings: ResolvedIssuer, surroundings: Surroundings): Issuer {
  const { issuer, claimProfile: profile } = settings
  const discovery = createDiscovery(issuer, surroundings)
  return {
    issuer,
    settings,
    discovery,
    audiences: settings.audiences,
    algorithms: new Set(settings.algorithms),
    tokenTypes: acceptedTypes(settings.tokenTypes),
    keys: createKeys(settings, discovery, surroundings),
    knownHeaders: createTwoGenerationCache<KnownHeader>(maxKnownHeaders),
    profile: {
      clientId: list(profile?.clientId) ?? ['client_id'],
      scope: list(profile?.scope) ?? ['scope'],
      scopeArrays: profile?.scope !== undefined,
      roles: list(profile?.roles) ?? ['roles'],
      tenant: list(profile?.tenant) ?? [],
    },
    optionalClaims: new Set(settings.optionalClaims),
    clockToleranceMs: settings.clockToleranceSeconds * 1000,
    maxTokenAgeMs: settings.maxTokenAgeSeconds && settings.maxTokenAgeSeconds * 1000,
    unknownConfirmation: settings.unknownConfirmation,
  }
}

function list(names: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof names === 'string' ? [names] : names
}

function createKeys(settings: ResolvedIssuer, discovery: Discovery, surroundings: Surroundings): KeySource {
  if (settings.keys !== undefined) return createStaticKeys(settings.keys)
  const { issuer, keyCache } = settings
  return createKeySet({ issuer, jwksUri: settings.jwksUri ?? discovery, options: keyCache, surroundings })
}

function acceptedTypes(given: readonly (string | null)[]): ReadonlySet<string | null> {
  const types = given.map((type) => (type === null ? null : comparableType(type)))
  const foreign = types.find((type) => type !== null && foreignTokenTypes.has(type))
  if (foreign === undefined) return new Set(types)
  throw new ConfigurationError(`\`tokenTypes\` holds ${foreign}, which names another kind of JWT than an access token.`)
}
