import { ConfigurationError } from '../../errors/index.js'
import {
  booleanOption,
  checkNames,
  choiceOption,
  functionOption,
  integerOption,
  listOption,
  numberOption,
  refuseRepeats,
} from '../../kit/check.js'
import { type Clock, monotonicClock } from '../../kit/clock.js'
import { isJsonObject } from '../../kit/json.js'
import { resolveSurroundings, type Surroundings } from '../../kit/surroundings.js'
import type { RevocationStore } from '../../stores/contract.js'
import { isScope } from '../policy/scope-expression.js'
import { type ResolvedDpop, type ResolvedMtls, resolveDpop, resolveMtls } from './resolve-binding.js'
import type { ResolvedIssuer } from './resolve-issuer.js'
import { knownIssuers, resolveIssuers, resolveTenants } from './resolve-issuers.js'
import { resolveResource } from './resolve-resource.js'
import type { ResolvedResource } from './resolved.js'
import type { ClaimsSchema, IssuerResolver, ResourceServerOptions } from './types.js'

/** Options of a server, checked completely, with every default filled in. */
export interface ResolvedOptions {
  readonly surroundings: Surroundings
  readonly resources: readonly ResolvedResource[]
  readonly issuers: readonly ResolvedIssuer[]
  readonly resolver: IssuerResolver | undefined
  readonly isTenant: (issuer: string) => boolean
  readonly schema: ClaimsSchema | undefined
  readonly dpop: ResolvedDpop
  readonly mtls: ResolvedMtls
  readonly trustedProxies: readonly string[]
  readonly implies: ReadonlyMap<string, readonly string[]>
  /** `undefined` where the default one shall be made. */
  readonly revocationStore: RevocationStore | undefined
  readonly revocationTtlSeconds: number
  readonly tokenCacheEntries: number
  readonly cors: boolean
  readonly passThroughMetadata: boolean
  readonly explainRefusals: boolean
  readonly monotonicClock: Clock
}

const names = [
  'resource',
  'issuer',
  'tenants',
  'claims',
  'dpop',
  'mtls',
  'trustedProxies',
  'implies',
  'isRevoked',
  'revocationStore',
  'revocationTtlSeconds',
  'tokenCacheEntries',
  'cors',
  'authorizationServerMetadata',
  'allowInsecureLoopback',
  'dangerouslyAllowInsecureHosts',
  'fetch',
  'clock',
  'onEvent',
  'explainRefusals',
  'monotonicClock',
]

/**
 * Checks the options of a server once, completely.
 *
 * @throws {@link ConfigurationError} with a sentence that says what to write instead.
 */
export function resolveOptions(options: ResourceServerOptions<ClaimsSchema | undefined>): ResolvedOptions {
  if (!isJsonObject(options)) {
    throw new ConfigurationError('createResourceServer takes an object with at least `resource` and `issuer`.')
  }
  checkNames('createResourceServer', options, names)
  functionOption('isRevoked', options.isRevoked)
  const surroundings = resolveSurroundings(options)
  const { insecureHosts } = surroundings
  const issuers = resolveIssuers(options, insecureHosts)
  const dpop = resolveDpop(options.dpop)
  const mtls = resolveMtls(options.mtls)
  return Object.freeze({
    surroundings,
    resources: resolveResources(options, {
      issuers: knownIssuers(options, issuers),
      tokenHeaders: tokenHeaders(issuers),
      dpop: dpop.mode,
      dpopAlgorithms: dpop.algorithms,
      mtls: mtls.mode,
      insecureHosts,
    }),
    issuers,
    resolver: typeof options.issuer === 'function' ? options.issuer : undefined,
    isTenant: resolveTenants(options, insecureHosts),
    schema: resolveSchema(options.claims),
    dpop,
    mtls,
    trustedProxies: listOption('trustedProxies', options.trustedProxies, []),
    implies: resolveImplies(options.implies),
    revocationStore: resolveRevocationStore(options.revocationStore),
    revocationTtlSeconds: numberOption('revocationTtlSeconds', options.revocationTtlSeconds, {
      min: 60,
      max: 31_536_000,
      fallback: 86_400,
    }),
    tokenCacheEntries: integerOption('tokenCacheEntries', options.tokenCacheEntries, {
      min: 0,
      max: 10_000_000,
      fallback: 10_000,
    }),
    cors: booleanOption('cors', options.cors, true),
    passThroughMetadata: resolvePassThrough(options),
    explainRefusals: booleanOption('explainRefusals', options.explainRefusals, false),
    monotonicClock: functionOption('monotonicClock', options.monotonicClock) ?? monotonicClock,
  })
}

function tokenHeaders(issuers: readonly ResolvedIssuer[]): ReadonlyMap<string, string> {
  const given = issuers.flatMap(({ issuer, tokenHeader }) => (tokenHeader ? [[issuer, tokenHeader] as const] : []))
  return new Map(given)
}

function resolveResources(
  { resource }: ResourceServerOptions<ClaimsSchema | undefined>,
  defaults: Parameters<typeof resolveResource>[1],
): readonly ResolvedResource[] {
  if (resource === undefined || (Array.isArray(resource) && resource.length === 0)) {
    throw new ConfigurationError(
      '`resource` is missing: give the https URL clients know this API by. It is the audience tokens must name.',
    )
  }
  const given = (Array.isArray(resource) ? resource : [resource]) as readonly Parameters<typeof resolveResource>[0][]
  const resolved = given.map((one) => resolveResource(one, defaults))
  refuseRepeats(
    'resource',
    resolved.map((one) => one.resource),
  )
  return resolved
}

function resolvePassThrough({
  issuer,
  authorizationServerMetadata,
}: ResourceServerOptions<ClaimsSchema | undefined>): boolean {
  const choice = choiceOption(
    'authorizationServerMetadata',
    authorizationServerMetadata,
    ['off', 'pass-through'],
    'off',
  )
  if (choice === 'off' || typeof issuer !== 'function') return choice === 'pass-through'
  throw new ConfigurationError('`pass-through` needs an issuer that is listed: a function names none beforehand.')
}

function resolveSchema(schema: ClaimsSchema | undefined): ClaimsSchema | undefined {
  if (schema === undefined || typeof schema?.['~standard']?.validate === 'function') return schema
  throw new ConfigurationError('`claims` takes a Standard Schema, such as one of zod or valibot.')
}

function resolveRevocationStore(store: RevocationStore | undefined): RevocationStore | undefined {
  if (store === undefined) return undefined
  if (typeof store?.revoke === 'function' && typeof store.revokedAt === 'function') return store
  throw new ConfigurationError('`revocationStore` takes a RevocationStore, such as createRedisRevocationStore gives.')
}

function resolveImplies(implies: Readonly<Record<string, string | readonly string[]>> = {}) {
  const given = isJsonObject(implies) ? Object.entries(implies) : undefined
  const resolved = given?.map(([scope, implied]) => [scope, listOption(`implies.${scope}`, implied, [])] as const)
  if (resolved?.every(([scope, implied]) => [scope, ...implied].every(isScope))) return new Map(resolved)
  throw new ConfigurationError("`implies` takes an object of scopes by scope, as in { 'files:write': ['files:read'] }.")
}
