import type { IssuerOptions } from '../resource-server/token/issuer-options.js'

/** What {@link duende} is told. @group Presets */
export interface DuendeOptions {
  /** The issuer identifier, byte for byte. */
  readonly issuer: string
}

/**
 * Duende IdentityServer.
 *
 * - Access token: the header says `at+jwt`, and nothing else is accepted. Reference tokens need `introspection`.
 * - Client `client_id`, scopes `scope` (a list), roles `role`.
 * - Service accounts: their tokens may have no `sub`; the client then stands for it, and `isClientToken` is true. We did not
 *   confirm that for every version.
 * - Audience: only where scopes belong to an API resource. With scopes alone there is no `aud`, and the token is refused:
 *   define an API resource.
 * - Binding: DPoP and certificates work. Introspection: as the API resource. Logout: the tokens say `logout+jwt`. Exchange: what you
 *   build as an extension grant.
 *
 * @group Presets
 */
export function duende({ issuer }: DuendeOptions): IssuerOptions {
  return {
    issuer,
    tokenTypes: ['at+jwt'],
    claimProfile: { subjectStandIn: 'client_id', scope: 'scope', roles: 'role' },
  }
}
