import { ConfigurationError } from '../../errors/index.js'
import { checkIssuer } from '../../issuer/identifiers.js'
import { callAtOnce } from '../../kit/call-application.js'
import { refuseRepeats } from '../../kit/check.js'
import type { InsecureHosts } from '../../kit/fetch/secure-url.js'
import { type ResolvedIssuer, resolveIssuer } from './resolve-issuer.js'
import type { ClaimsSchema, IssuerOptions, ResourceServerOptions } from './types.js'

/** The options that say whose tokens are accepted. */
type IssuerChoice = Pick<ResourceServerOptions<ClaimsSchema | undefined>, 'issuer' | 'tenants'>

/**
 * Checks the issuers of a server; none where a function gives them.
 *
 * @throws {@link ConfigurationError}
 */
export function resolveIssuers(
  { issuer, tenants }: IssuerChoice,
  insecureHosts: InsecureHosts,
): readonly ResolvedIssuer[] {
  if (typeof issuer === 'function') return []
  if (issuer === undefined || (Array.isArray(issuer) && issuer.length === 0)) {
    throw new ConfigurationError('`issuer` is missing: name the authorization server whose tokens you accept.')
  }
  if (tenants !== undefined) throw new ConfigurationError('`tenants` goes with an `issuer` that is a function.')
  const given: readonly (string | IssuerOptions)[] = Array.isArray(issuer) ? issuer : [issuer]
  const resolved = given.map((one) => resolveIssuer(one, insecureHosts))
  refuseRepeats(
    'issuer',
    resolved.map((one) => one.issuer),
  )
  return resolved
}

/** The issuers known beforehand; `undefined` where only a live set of tenants knows them. */
export function knownIssuers(
  { issuer, tenants }: IssuerChoice,
  issuers: readonly ResolvedIssuer[],
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
export function resolveTenants(
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
