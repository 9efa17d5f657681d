import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, word } from './parameters.js'

/** What {@link supabase} is told. @group Presets */
export interface SupabaseOptions {
  /** The reference of the project: `{project}.supabase.co`. */
  readonly project: string
  /** Whether users who signed in anonymously pass. Default false. */
  readonly guests?: boolean | undefined
}

/**
 * The users of a Supabase project with asymmetric signing keys. A project on the legacy secret signs by HS256, which is
 * refused: switch it to signing keys.
 *
 * - Access token: `session_id` and `role`. The API keys `anon` and `service_role` are JWTs too, without a session.
 * - Client `client_id` and scopes `scope`, for OAuth applications alone. Roles `role`, the role in the database.
 * - Guests: `is_anonymous` refuses unless you ask for them. `isClientToken` is false: a session has a user.
 * - Audience: `authenticated`, for everybody. A token of one application opens every API of the project.
 * - No `jti`. Binding, introspection, back-channel logout, exchange: none. A hook of yours can rewrite most claims.
 *
 * @group Presets
 */
export function supabase({ project, guests = false }: SupabaseOptions): IssuerOptions {
  const user = { session_id: { present: true }, role: { present: true } }
  return {
    issuer: `https://${checked('supabase: `project`', project, word, 'abcdefghijklmnopqrst')}.supabase.co/auth/v1`,
    audience: 'authenticated',
    algorithms: ['ES256', 'RS256'],
    tokenTypes: ['JWT'],
    accessTokenEvidence: guests
      ? user
      : [
          { ...user, is_anonymous: false },
          { ...user, is_anonymous: { present: false } },
        ],
    claimProfile: {
      clientId: 'client_id',
      scope: 'scope',
      roles: 'role',
      userToken: { session_id: { present: true } },
    },
    optionalClaims: ['jti', 'client_id'],
  }
}
