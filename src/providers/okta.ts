import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, host, word } from './parameters.js'

/** What {@link okta} is told. @group Presets */
export interface OktaOptions {
  /** `example.okta.com` or the custom domain; never the `-admin` host. */
  readonly domain: string
  /** The id of a custom authorization server. Default `default`. */
  readonly authorizationServer?: string | undefined
  /** The claim you configured for roles. Default `groups`. */
  readonly rolesClaim?: string | undefined
}

/** A host name whose first label does not end in `-admin`. */
const notAdmin = new RegExp(`^(?![^.]*-admin\\.)${host.source.slice(1)}`, 'i')

/**
 * A custom authorization server of Okta. The org server (`https://{domain}` without `/oauth2/…`) issues for Okta alone, and
 * cannot be named here.
 *
 * - Access token: the header has no `typ`, or `at+jwt`. `cid` is the evidence: ID tokens have none.
 * - Client `cid`, scopes `scp` (a list), roles `groups` where you configured that claim.
 * - Service accounts: `sub` is the client. Tokens of users have `uid`, which is the account; `sub` is a login name.
 * - Audience: that of the authorization server, `api://default` at first.
 * - Binding: DPoP works; the token endpoint demands a nonce. Introspection: by a client of the same org. Exchange: `audience` is
 *   that of the target server. Back-channel logout: none, as far as we know.
 *
 * @group Presets
 */
export function okta({ domain, authorizationServer = 'default', rolesClaim = 'groups' }: OktaOptions): IssuerOptions {
  const name = checked('okta: `domain`', domain, notAdmin, 'example.okta.com')
  return {
    issuer: `https://${name}/oauth2/${checked('okta: `authorizationServer`', authorizationServer, word, 'default')}`,
    tokenTypes: [null, 'at+jwt'],
    accessTokenEvidence: { cid: { present: true } },
    claimProfile: {
      clientId: ['cid', 'client_id'],
      scope: ['scp', 'scope'],
      roles: rolesClaim,
      userToken: { uid: { present: true } },
    },
  }
}
