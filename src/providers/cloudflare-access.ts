import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, word } from './parameters.js'

/** What {@link cloudflareAccess} is told. @group Presets */
export interface CloudflareAccessOptions {
  /** The name of the team: `{team}.cloudflareaccess.com`. */
  readonly team: string
  /** The audience tag of the application, 64 hexadecimal digits. */
  readonly audience: string
}

/**
 * Requests that come through Cloudflare Access.
 *
 * - Where: the field `Cf-Access-Jwt-Assertion`, the token alone. `Authorization` is then not looked at, unless the resource has an
 *   issuer without such a field.
 * - Proof: `type` is `app`; the token of a session of the team says `org`.
 * - No scopes or roles. Service tokens have an empty `sub`: `common_name` is then subject and client, and `isClientToken` true.
 * - Audience: the tag of the application.
 * - No `jti`. Binding, introspection, logout, exchange: none. The address of the keys is not confirmed by us.
 *
 * @group Presets
 */
export function cloudflareAccess({ team, audience }: CloudflareAccessOptions): IssuerOptions {
  const issuer = `https://${checked('cloudflareAccess: `team`', team, word, 'example')}.cloudflareaccess.com`
  return {
    issuer,
    audience,
    algorithms: ['RS256'],
    jwksUri: `${issuer}/cdn-cgi/access/certs`,
    tokenHeader: 'Cf-Access-Jwt-Assertion',
    tokenTypes: ['JWT'],
    accessTokenEvidence: { type: 'app' },
    claimProfile: {
      clientId: 'common_name',
      subjectStandIn: 'common_name',
      userToken: { common_name: { present: false } },
    },
    optionalClaims: ['jti', 'client_id'],
  }
}
