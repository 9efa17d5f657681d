import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, host } from './parameters.js'

/** What {@link auth0} is told. @group Presets */
export interface Auth0Parameters {
  /** `example.eu.auth0.com`, or the custom domain that tokens are asked for at: it is in `iss`. */
  readonly domain: string
  /** A claim of yours that holds roles, such as `https://example.com/roles`. They add up with `permissions`. */
  readonly rolesClaim?: string | undefined
}

/**
 * A tenant of Auth0.
 *
 * - Access token: the header says `at+jwt` where the API has the RFC 9068 profile. In the default profile it says `JWT`, and
 *   `azp` together with `scope`, `permissions` or `gty` is the evidence: ID tokens have none of these three.
 * - Client `azp` or `client_id`, scopes `scope`, roles `permissions` (with RBAC), tenant `org_id`.
 * - Service accounts: `gty` is `client-credentials`, or `sub` ends in `@clients`.
 * - Audience: the identifier of the API. Without `audience` in the request the token is opaque and good for nothing here.
 * - No `jti` in the default profile: revocation by `jti` does not work there. Binding: we did not confirm which plans bind.
 *   No introspection endpoint. Logout: enterprise plans, queued, so late. Exchange: the exchanger must be linked to the API.
 *
 * @group Presets
 */
export function auth0({ domain, rolesClaim }: Auth0Parameters): IssuerOptions {
  const azp = { present: true }
  return {
    issuer: `https://${checked('auth0: `domain`', domain, host, 'example.eu.auth0.com')}/`,
    algorithms: ['RS256', 'PS256'],
    tokenTypes: ['at+jwt', 'JWT'],
    accessTokenEvidence: [
      { azp, scope: { present: true } },
      { azp, permissions: { present: true } },
      { azp, gty: { present: true } },
    ],
    claimProfile: {
      clientId: ['client_id', 'azp'],
      scope: 'scope',
      roles: rolesClaim === undefined ? 'permissions' : [rolesClaim, 'permissions'],
      tenant: 'org_id',
      clientToken: [{ gty: 'client-credentials' }, { sub: { endsWith: '@clients' }, client_id: { present: true } }],
    },
    optionalClaims: ['jti'],
  }
}
