import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, host, word } from './parameters.js'

/** What {@link authentik} is told. @group Presets */
export interface AuthentikOptions {
  /** The host, such as `id.example.com`. */
  readonly host: string
  /** The slug of the application. */
  readonly application: string
  /** The client id of its provider: what tokens have as `aud`. */
  readonly clientId: string
}

/**
 * An application of authentik, with a signing key: without one it signs by HS256, which is refused.
 *
 * - Access token: the claims of an ID token, plus `azp` and `uid`: these two are the evidence. It is a weak one: a mapping of
 *   yours could add `uid` to ID tokens, and must not.
 * - Client `azp`, scopes `scope`, roles `groups`.
 * - Service accounts: nothing tells them. `sub` may be an e-mail address or a user name, as the application is set.
 * - Audience: the client id. A token of the client opens every API that accepts it.
 * - No `jti`. Binding: none that we know. Introspection calls refresh tokens active, and nothing tells them apart: do not use
 *   it here. Exchange: not confirmed by us. The source we read is an older one.
 *
 * @group Presets
 */
export function authentik({ host: name, application, clientId }: AuthentikOptions): IssuerOptions {
  const slug = checked('authentik: `application`', application, word, 'my-app')
  return {
    issuer: `https://${checked('authentik: `host`', name, host, 'id.example.com')}/application/o/${slug}/`,
    audience: clientId,
    tokenTypes: ['JWT'],
    accessTokenEvidence: { azp: { present: true }, uid: { present: true } },
    claimProfile: { clientId: 'azp', scope: 'scope', roles: 'groups' },
    optionalClaims: ['jti'],
  }
}
