import { ConfigurationError } from '../errors/index.js'

import { systemClock } from '../lib/clock.js'
import type { Fetch } from '../lib/fetch.js'
import { booleanOption, checkNames, choiceOption, functionOption, listOption, numberOption } from './check.js'
import { checkIssuer } from './identifiers.js'
import { type ResolvedDpop, type ResolvedMtls, resolveDpop, resolveMtls } from './resolve-binding.js'
import { type ResolvedIssuer, resolveIssuer } from './resolve-issuer.js'
import { resolveResource } from './resolve-resource.js'
import type { ResolvedResource, Surroundings } from './resolved.js'
import type { ClaimsSchema, IssuerOptions, IssuerResolver, ResourceServerOptions } from './types.js'

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
  readonly tokenCacheEntries: number
  readonly cors: boolean
  readonly passThroughMetadata: boolean
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
  'tokenCacheEntries',
  'cors',
  'authorizationServerMetadata',
  'allowInsecureLoopback',
  'fetch',
  'clock',
  'onEvent',
]

/**
 * Checks the options of a server once, completely.
 *
 * @throws {@link ConfigurationError} with a sentence that says what to write instead.
 */
export function resolveOptions(options: ResourceServerOptions<ClaimsSchema | undefined>): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigurationError('createResourceServer takes an object with at least `resource` and `issuer`.')
  }
  checkNames('createResourceServer', options, names)
  const surroundings = resolveSurroundings(options)
  const { allowInsecureLoopback } = surroundings
  const issuers = resolveIssuers(options, allowInsecureLoopback)
  const dpop = resolveDpop(options.dpop)
  const mtls = resolveMtls(options.mtls)
  return Object.freeze({
    surroundings,
    resources: resolveResources(options, {
      issuers: [...issuers.map(({ issuer }) => issuer), ...(Array.isArray(options.tenants) ? options.tenants : [])],
      dpop: dpop.mode,
      dpopAlgorithms: dpop.algorithms,
      mtls: mtls.mode,
      allowInsecureLoopback,
    }),
    issuers,
    resolver: typeof options.issuer === 'function' ? options.issuer : undefined,
    isTenant: resolveTenants(options),
    schema: resolveSchema(options.claims),
    dpop,
    mtls,
    trustedProxies: listOption('trustedProxies', options.trustedProxies, []),
    implies: resolveImplies(options.implies),
    tokenCacheEntries: numberOption('tokenCacheEntries', options.tokenCacheEntries, {
      min: 0,
      max: 10_000_000,
      fallback: 10_000,
    }),
    cors: booleanOption('cors', options.cors, true),
    passThroughMetadata:
      choiceOption(
        'authorizationServerMetadata',
        options.authorizationServerMetadata,
        ['off', 'pass-through'],
        'off',
      ) === 'pass-through',
  })
}

function resolveSurroundings(options: ResourceServerOptions<ClaimsSchema | undefined>): Surroundings {
  const platformFetch: Fetch = (url, init) => globalThis.fetch(url, init)
  return Object.freeze({
    fetch: functionOption('fetch', options.fetch) ?? platformFetch,
    clock: functionOption('clock', options.clock) ?? systemClock,
    onEvent: functionOption('onEvent', options.onEvent),
    allowInsecureLoopback: booleanOption('allowInsecureLoopback', options.allowInsecureLoopback, false),
  })
}

function resolveIssuers(
  { issuer, tenants }: ResourceServerOptions<ClaimsSchema | undefined>,
  allowInsecureLoopback: boolean,
): readonly ResolvedIssuer[] {
  if (typeof issuer === 'function') return []
  if (issuer === undefined || (Array.isArray(issuer) && issuer.length === 0)) {
    throw new ConfigurationError('`issuer` is missing: name the authorization server whose tokens you accept.')
  }
  if (tenants !== undefined) throw new ConfigurationError('`tenants` goes with an `issuer` that is a function.')
  const given: readonly (string | IssuerOptions)[] = Array.isArray(issuer) ? issuer : [issuer]
  const resolved = given.map((one) => resolveIssuer(one, allowInsecureLoopback))
  refuseRepeats(
    'issuer',
    resolved.map((one) => one.issuer),
  )
  return resolved
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

function refuseRepeats(name: string, values: readonly string[]): void {
  const seen = new Set<string>()
  const repeated = values.find((value) => seen.size === seen.add(value).size)
  if (repeated !== undefined) throw new ConfigurationError(`\`${name}\` lists ${repeated} twice.`)
}

function resolveTenants({
  issuer,
  tenants,
}: ResourceServerOptions<ClaimsSchema | undefined>): (issuer: string) => boolean {
  if (typeof issuer !== 'function') return () => false
  if (Array.isArray(tenants) && tenants.length > 0) {
    const allowed = new Set(tenants.map((tenant) => checkIssuer('tenants', tenant, true)))
    return (candidate) => allowed.has(candidate)
  }
  const live = tenants as { has?: unknown } | undefined
  if (typeof live?.has === 'function') return (candidate) => (live as ReadonlySet<string>).has(candidate) === true
  throw new ConfigurationError(
    'An `issuer` function needs `tenants`: the complete list of issuers it may be asked for.',
  )
}

function resolveSchema(schema: ClaimsSchema | undefined): ClaimsSchema | undefined {
  if (schema === undefined || typeof schema['~standard']?.validate === 'function') return schema
  throw new ConfigurationError('`claims` takes a Standard Schema, such as one of zod or valibot.')
}

function resolveImplies(implies: Readonly<Record<string, string | readonly string[]>> = {}) {
  return new Map(
    Object.entries(implies).map(([scope, implied]): [string, readonly string[]] => [
      scope,
      listOption(`implies.${scope}`, implied, []),
    ]),
  )
}
