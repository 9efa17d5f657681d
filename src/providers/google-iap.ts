import type { IssuerOptions } from '../resource-server/token/issuer-options.js'

/** What {@link googleIap} is told. @group Presets */
export interface GoogleIapOptions {
  /** `/projects/{number}/apps/{id}` or `/projects/{number}/global/backendServices/{id}`. */
  readonly audience: string | readonly string[]
}

/**
 * Requests that come through Google Identity-Aware Proxy.
 *
 * - Where: the field `X-Goog-IAP-JWT-Assertion`, the token alone. `Authorization` is then not looked at, unless the resource has an
 *   issuer without such a field. The unsigned `X-Goog-Authenticated-User-…` fields are never read.
 * - Proof: the issuer signs nothing else, so that `iss` itself is the evidence.
 * - No client id, scopes or roles. `isClientToken` is `undefined`: nothing tells service accounts from people.
 * - Audience: that of the backend. Health checks of the load balancer have no token.
 * - No `jti`. Leeway 30 s, as Google asks. Binding, introspection, logout, exchange: none.
 *
 * @group Presets
 */
export function googleIap({ audience }: GoogleIapOptions): IssuerOptions {
  const issuer = 'https://cloud.google.com/iap'
  return {
    issuer,
    audience,
    algorithms: ['ES256'],
    jwksUri: 'https://www.gstatic.com/iap/verify/public_key-jwk',
    tokenHeader: 'X-Goog-IAP-JWT-Assertion',
    tokenTypes: ['JWT', null],
    accessTokenEvidence: { iss: issuer },
    optionalClaims: ['jti', 'client_id'],
    clockToleranceSeconds: 30,
  }
}
