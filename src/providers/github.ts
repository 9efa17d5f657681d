import type { IntrospectionCredential } from '../issuer/endpoint-credential.js'
import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked } from './parameters.js'

/** What {@link github} is told. @group Presets */
export interface GithubOptions {
  /** The client id of your OAuth app or GitHub App. */
  readonly clientId: string
  /** `clientSecretBasic` of `portcullis/client`, with the secret of the same app. */
  readonly credential: IntrospectionCredential
}

/**
 * User tokens of one OAuth app or GitHub App, `gho_…` and `ghu_…`. They are opaque, and GitHub has no RFC 7662 endpoint: the
 * endpoint of the app is asked, which answers for the tokens of this app alone. For workflows see {@link githubActions}.
 *
 * - Proof: GitHub calls the token one of the app, and names its client id once more in the answer.
 * - Client: the app. Scopes `scope`; tokens of GitHub Apps have none. No roles. `sub` is the numeric id of the user as text,
 *   `preferred_username` the login name, which others can take over.
 * - Audience: there is none. The app stands for it: whatever else holds tokens of the app can use your API, and your API could use
 *   GitHub with them. Prefer a sign-in that ends in a session of your own.
 * - Binding, logout, exchange: none. What the endpoint says of a token that has expired is not confirmed by us.
 *
 * @group Presets
 */
export function github({ clientId, credential }: GithubOptions): IssuerOptions {
  const app = checked('github: `clientId`', clientId, /^[\w.-]+$/, 'Iv1.8a61f9b3a7aba766')
  return {
    issuer: 'https://github.com/login/oauth',
    audienceFrom: { claims: { client_id: [app] } },
    introspection: {
      endpoint: `https://api.github.com/applications/${app}/token`,
      credential,
      introspectJwts: true,
      tokenCheck: {
        tokenMember: 'access_token',
        claims: {
          sub: 'user.id',
          client_id: 'app.client_id',
          scope: 'scopes',
          preferred_username: 'user.login',
        },
        headers: { accept: 'application/vnd.github+json', 'user-agent': 'portcullis' },
      },
    },
    claimProfile: { clientId: 'client_id', scope: 'scope', userToken: { preferred_username: { present: true } } },
  }
}
