import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { type InsecureHosts, readSecureUrl } from '../kit/fetch/secure-url.js'
import { freezeWithin, type JsonObject, ownMember } from '../kit/json.js'

/** Authorization server metadata (RFC 8414 §2) as far as it can be used. Frozen. */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly jwks_uri?: string
  readonly introspection_endpoint?: string
  readonly [name: string]: unknown
}

const endpointName = /(?:_endpoint|^jwks_uri)$/
const maxDepth = 32

/**
 * Reads the metadata document of `issuer`: its `issuer` must be that very text (RFC 8414 §3.3). Nothing else spoils the
 * document. A null, an empty list (RFC 8414 §3.2), an endpoint that is not https and a member nested deeper than 32
 * levels are as good as absent, so that a wrong member fails the one who needs it; all others are kept as they came.
 *
 * @throws {@link FetchFailure} `issuer_mismatch`.
 */
export function readMetadata(
  document: JsonObject,
  issuer: string,
  insecureHosts: InsecureHosts,
): AuthorizationServerMetadata {
  if (ownMember(document, 'issuer') !== issuer) throw new FetchFailure('issuer_mismatch')
  const members = Object.entries(document).filter(([name, value]) => isUsable(name, value, insecureHosts))
  return Object.freeze(Object.fromEntries(members)) as AuthorizationServerMetadata
}

function isUsable(name: string, value: unknown, insecureHosts: InsecureHosts): boolean {
  if (value === null || (Array.isArray(value) && value.length === 0)) return false
  if (endpointName.test(name)) {
    return typeof value === 'string' && readSecureUrl(value, insecureHosts) !== undefined
  }
  return freezeWithin(value, maxDepth)
}
