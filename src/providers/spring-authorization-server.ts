import type { IssuerOptions } from '../resource-server/token/issuer-options.js'

/** What {@link springAuthorizationServer} is told. @group Presets */
export interface SpringAuthorizationServerOptions {
  /** The issuer identifier, byte for byte. */
  readonly issuer: string
  /** The clients whose tokens are accepted: by default `aud` is the client id. Leave it out with a customiser for `aud`. */
  readonly clientIds?: readonly string[] | undefined
}

/**
 * Spring Authorization Server as it comes. Better: a customiser that writes `at+jwt`, `aud` and `client_id`; then use `rfc9068`.
 *
 * - Access token: the header has no `typ`, or `at+jwt`. `nbf` and no `azp` is the evidence: ID tokens have it the other way
 *   round. A customiser must not add `nbf` to ID tokens.
 * - Client: not in the token, unless a customiser adds `client_id`. Scopes `scope` (a list), absent where none was granted.
 * - Service accounts: `sub` is the client, which `isClientToken` cannot see without `client_id`.
 * - Audience: the client id. A token of the client opens every API that accepts it.
 * - Binding: DPoP and certificates work. Introspection calls refresh tokens active: the required `aud` keeps them out. Logout:
 *   no back-channel, as far as we know. Exchange: RFC 8693 with `act`.
 *
 * @group Presets
 */
export function springAuthorizationServer({ issuer, clientIds }: SpringAuthorizationServerOptions): IssuerOptions {
  return {
    issuer,
    ...(clientIds !== undefined && { audience: clientIds }),
    tokenTypes: [null, 'at+jwt'],
    accessTokenEvidence: { nbf: { present: true }, azp: { present: false } },
    claimProfile: { clientId: 'client_id', scope: 'scope' },
    optionalClaims: ['client_id'],
  }
}
