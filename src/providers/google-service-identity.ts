import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checkedList } from './parameters.js'

/** What {@link googleServiceIdentity} is told. @group Presets */
export interface GoogleServiceIdentityOptions {
  /** The e-mail addresses of the service accounts that may call. Any project of Google Cloud can make others. */
  readonly serviceAccounts: readonly string[]
}

const account = /^[^@\s]+@[\w.-]+\.gserviceaccount\.com$/

/**
 * Identity tokens of Google service accounts, as Cloud Run, Cloud Functions and the metadata server issue them. Google's
 * access tokens are opaque and for Google's own APIs: nothing here accepts them, nor the ID tokens of people.
 *
 * - Proof: `email` is one of the service accounts listed, and `email_verified` is true. A token with `at_hash` is refused.
 *   Whoever holds such an account can have a token for any `aud`, so that the list is required.
 * - Client `azp`, equal to `sub`: the numeric id of the account, so that `isClientToken` is true. No scopes, no roles.
 * - Audience: the URL the caller named. Give the one you expect.
 * - No `jti`. Binding, introspection, logout, exchange: none for these tokens. We did not confirm the claims of every product
 *   that issues them.
 *
 * @group Presets
 */
export function googleServiceIdentity({ serviceAccounts }: GoogleServiceIdentityOptions): IssuerOptions {
  const email = checkedList(
    'googleServiceIdentity: `serviceAccounts`',
    serviceAccounts,
    account,
    'caller@project.iam.gserviceaccount.com',
  )
  return {
    issuer: 'https://accounts.google.com',
    algorithms: ['RS256'],
    jwksUri: 'https://www.googleapis.com/oauth2/v3/certs',
    tokenTypes: ['JWT'],
    accessTokenEvidence: { email, email_verified: true },
    claimProfile: { clientId: 'azp' },
    optionalClaims: ['jti', 'client_id'],
  }
}
