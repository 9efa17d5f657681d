import type { IssuerOptions } from '../resource-server/token/issuer-options.js'

/** What {@link rfc9068} is told. @group Presets */
export interface Rfc9068Parameters {
  /** The issuer identifier, byte for byte. */
  readonly issuer: string
}

/**
 * An authorization server that follows RFC 9068: what an issuer without any option is held to.
 *
 * - Access token: the header says `at+jwt`. No other `typ` is accepted, so nothing in the payload has to be evidence.
 * - Client `client_id`, scopes `scope`, roles `roles`. A client's own token has `sub` equal to `client_id`.
 * - Audience: `aud`, always. No preset stands in for it.
 * - Known to fit, as long as their defaults stand: Logto, OpenIddict without encryption, node-oidc-provider with a
 *   resource, Authelia with JWT access tokens, Auth0 and Keycloak when switched to it.
 *
 * @group Presets
 */
export function rfc9068({ issuer }: Rfc9068Parameters): IssuerOptions {
  return { issuer, tokenTypes: ['at+jwt'] }
}
