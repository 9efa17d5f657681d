import type { IssuerOptions } from '../resource-server/token/issuer-options.js'

/** What {@link keycloak} is told. @group Presets */
export interface KeycloakOptions {
  /** `https://host/realms/{realm}`, without a slash at the end. */
  readonly issuer: string
  /** A client whose roles count beside those of the realm: `resource_access.{clientId}.roles`. */
  readonly clientId?: string | undefined
}

/**
 * A realm of Keycloak.
 *
 * - Access token: the header says `JWT` for every kind, and the payload tells: `typ` is `Bearer`, or `DPoP`. A client may be
 *   switched to the header `at+jwt`, which is accepted as well. `ID`, `Refresh`, `Offline` and `Logout` never pass.
 * - Client `azp` (`client_id` in the tokens of service accounts), scopes `scope`, roles of the realm and of one client.
 * - Service accounts: `sub` is the UUID of a user, so that only `preferred_username` and `client_id` together tell them.
 *   Versions 26.4 and 26.7 write both; where they are missing, `isClientToken` is `undefined`.
 * - Audience: `account` unless a mapper adds yours. Nothing stands in for it: add the mapper.
 * - Binding: DPoP and certificates work; `cnf` has a further member beside `jkt`, which is ignored. Introspection: the
 *   asking client must be in `aud`; lightweight tokens need `introspectJwts: true`. Logout: one `aud` per client. Exchange:
 *   `audience` names client ids, `resource` is ignored.
 *
 * @group Presets
 */
export function keycloak({ issuer, clientId }: KeycloakOptions): IssuerOptions {
  return {
    issuer,
    tokenTypes: ['at+jwt', 'JWT'],
    accessTokenEvidence: { typ: ['Bearer', 'DPoP'] },
    claimProfile: {
      clientId: ['client_id', 'azp'],
      scope: 'scope',
      roles: [...(clientId === undefined ? [] : [['resource_access', clientId, 'roles']]), 'realm_access.roles'],
      clientToken: { preferred_username: { startsWith: 'service-account-' }, client_id: { present: true } },
    },
  }
}
