import type { IssuerOptions } from '../resource-server/token/issuer-options.js'

/** What {@link hydra} is told. @group Presets */
export interface HydraOptions {
  /** `urls.self.issuer` as configured; older set-ups end in a slash. */
  readonly issuer: string
}

/**
 * Ory Hydra.
 *
 * - Access token: opaque unless the strategy is `jwt`; opaque ones need `introspection`, at the admin port. A JWT has the
 *   header `JWT`; `client_id` with `scp` or `scope` is the evidence. ID tokens always have `at_hash`, and are refused.
 * - Client `client_id`, scopes `scp` (a list) or `scope`, roles `ext.roles`, what your login application puts there.
 * - Service accounts: `sub` is the client.
 * - Audience: only what clients ask for by `audience=…`. Without it `aud` is empty, and the token is refused.
 * - Binding: none that we know. Introspection calls refresh tokens active: they are refused by `token_use`. Logout tokens have
 *   no `exp`: accepted for 2 minutes. Exchange: none. `private_key_jwt`: `aud` must be the token endpoint.
 *
 * @group Presets
 */
export function hydra({ issuer }: HydraOptions): IssuerOptions {
  const client = { present: true }
  return {
    issuer,
    tokenTypes: ['JWT'],
    accessTokenEvidence: [
      { client_id: client, scp: { present: true } },
      { client_id: client, scope: { present: true } },
    ],
    claimProfile: { clientId: 'client_id', scope: ['scp', 'scope'], roles: 'ext.roles' },
    optionalLogoutClaims: ['exp'],
  }
}
