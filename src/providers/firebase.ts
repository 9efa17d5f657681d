import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, word } from './parameters.js'

/** What {@link firebase} is told. @group Presets */
export interface FirebaseOptions {
  /** The id of the project. */
  readonly project: string
  /** Whether users who signed in anonymously pass. Default false. */
  readonly guests?: boolean | undefined
  /** The custom claim that holds roles. Default `roles`. */
  readonly rolesClaim?: string | undefined
}

/**
 * The users of Firebase Authentication or Identity Platform. Its ID token is what an API gets: there is no access token.
 *
 * - Proof: the `firebase` object, under the issuer of the project. Session cookies have another issuer, custom tokens another
 *   audience, and the emulator's tokens are not signed: none passes.
 * - No client id and no scopes. Roles: a custom claim. Tenant `firebase.tenant`. `isClientToken` is false.
 * - Guests: `firebase.sign_in_provider` `anonymous` refuses unless you ask for them.
 * - Audience: the project. A token of one application opens every API of the project.
 * - No `jti`. Revocation: only by asking the admin API. Binding, introspection, logout, exchange: none. We did not confirm
 *   the `firebase` object for every way to sign in.
 *
 * @group Presets
 */
export function firebase({ project, guests = false, rolesClaim = 'roles' }: FirebaseOptions): IssuerOptions {
  const name = checked('firebase: `project`', project, word, 'my-project')
  return {
    issuer: `https://securetoken.google.com/${name}`,
    audience: name,
    algorithms: ['RS256'],
    jwksUri: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
    tokenTypes: ['JWT'],
    accessTokenEvidence: guests
      ? { firebase: { present: true } }
      : { 'firebase.sign_in_provider': { not: 'anonymous' } },
    claimProfile: { roles: rolesClaim, tenant: 'firebase.tenant', userToken: { firebase: { present: true } } },
    optionalClaims: ['jti', 'client_id'],
  }
}
