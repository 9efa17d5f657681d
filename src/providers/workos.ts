import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, host } from './parameters.js'

/** What {@link workos} is told. @group Presets */
export interface WorkosOptions {
  /** The AuthKit domain, such as `example.authkit.app`. */
  readonly domain: string
}

/**
 * WorkOS Connect: the tokens for APIs and MCP servers. Session tokens of AuthKit have no `aud` and nothing that could stand
 * for it, so that there is no preset for them.
 *
 * - Access token: the header says `at+jwt`, or `JWT` with `client_id` and `scope` in the payload; tokens of a client itself
 *   have `sub` equal to `client_id`. We did not confirm which `typ` it writes.
 * - Client `client_id`, scopes `scope`, roles `roles`, `role` and `permissions`, tenant `org_id`.
 * - Service accounts: `sub` is the client.
 * - Audience: the resource that was asked for, or the client id of the environment.
 * - Binding, introspection, back-channel logout, exchange: not confirmed by us.
 *
 * @group Presets
 */
export function workos({ domain }: WorkosOptions): IssuerOptions {
  return {
    issuer: `https://${checked('workos: `domain`', domain, host, 'example.authkit.app')}`,
    algorithms: ['RS256'],
    tokenTypes: ['at+jwt', 'JWT'],
    accessTokenEvidence: [{ client_id: { present: true }, scope: { present: true } }, { client_id: { sameAs: 'sub' } }],
    claimProfile: {
      clientId: 'client_id',
      scope: 'scope',
      roles: ['roles', 'role', 'permissions'],
      tenant: 'org_id',
    },
  }
}
