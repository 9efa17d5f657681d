import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked } from './parameters.js'

/** What {@link spiffe} is told. @group Presets */
export interface SpiffeOptions {
  /** What `iss` says, an https URL: `jwt_issuer` of SPIRE. Tokens without `iss` cannot be accepted. */
  readonly issuer: string
  /** The trust domain, without a scheme: `example.org`. */
  readonly trustDomain: string
  /** Where the keys are: the bundle endpoint, or SPIRE's OIDC provider. Default: discovered at the issuer. */
  readonly jwksUri?: string | undefined
}

const domain = /^[a-z\d._-]+$/

/**
 * Workloads of a SPIFFE trust domain, by JWT-SVID.
 *
 * - Proof: `sub` is a SPIFFE ID of the trust domain. The header's `typ` may be `JWT`, `JOSE` or absent.
 * - No client id, scopes or roles: authorise by `sub`. `isClientToken` is true.
 * - Audience: `aud`, always there. Keys: `use` may be `jwt-svid`, as in a bundle; keys for X.509 are not used.
 * - `iat` and `jti` may be missing. Algorithms: RS, PS and ES, each with 256, 384 and 512.
 * - Binding, introspection, logout, exchange: none.
 *
 * @group Presets
 */
export function spiffe({ issuer, trustDomain, jwksUri }: SpiffeOptions): IssuerOptions {
  const sub = { startsWith: `spiffe://${checked('spiffe: `trustDomain`', trustDomain, domain, 'example.org')}/` }
  return {
    issuer,
    algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
    ...(jwksUri !== undefined && { jwksUri }),
    keyUses: ['sig', 'jwt-svid'],
    tokenTypes: ['JWT', 'JOSE', null],
    accessTokenEvidence: { sub },
    claimProfile: { clientToken: { sub } },
    optionalClaims: ['jti', 'client_id', 'iat'],
  }
}
