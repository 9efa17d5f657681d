import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checkedList, word } from './parameters.js'

/** What {@link clerk} is told. @group Presets */
export interface ClerkOptions {
  /** The Frontend API URL: `https://clerk.example.com`, `https://x.clerk.accounts.dev`. */
  readonly issuer: string
  /**
   * The OAuth applications whose tokens are accepted where a token has no `aud`. Leave it out where tokens have one: we did
   * not confirm when Clerk writes it.
   */
  readonly clientIds?: readonly string[] | undefined
}

/**
 * Access tokens of OAuth applications, with Clerk as authorization server. For the tokens of Clerk's own sessions see
 * {@link clerkSession}.
 *
 * - Access token: the header says `at+jwt`, and nothing else is accepted. Opaque ones (`oat_…`) need `introspection`.
 * - Client `client_id`, scopes `scope` or `scp`. Roles `roles`: Clerk writes none by itself.
 * - Service accounts: the tokens of machines have another header, and do not pass.
 * - Audience: `aud`, or the clients you list.
 * - Binding, back-channel logout, exchange: not confirmed by us.
 *
 * @group Presets
 */
export function clerk({ issuer, clientIds }: ClerkOptions): IssuerOptions {
  return {
    issuer,
    ...(clientIds !== undefined && {
      audienceFrom: { claims: { client_id: checkedList('clerk: `clientIds`', clientIds, word, 'Ab12Cd34') } },
    }),
    algorithms: ['RS256'],
    tokenTypes: ['at+jwt'],
    claimProfile: { clientId: 'client_id', scope: ['scope', 'scp'] },
    optionalClaims: ['jti'],
  }
}

/** What {@link clerkSession} is told. @group Presets */
export interface ClerkSessionOptions {
  /** The Frontend API URL: `https://clerk.example.com`, `https://x.clerk.accounts.dev`. */
  readonly issuer: string
  /** The origins of the browser applications that may call, such as `https://app.example.com`. */
  readonly origins: readonly string[]
}

const origin = /^https?:\/\/[^/\s]+$/

/**
 * Session tokens of Clerk, as browsers send them.
 *
 * - Proof: `sid`, `azp` on the list of origins, `sts` not `pending`; and the header member `cat` names a session, or is absent or
 *   neutral, as in older tokens. Tokens from templates and of machines are signed by the same key and have another `cat`.
 * - No client id and no scopes. Roles `o.rol` or `org_role`, tenant `o.id` or `org_id`. `isClientToken` is false.
 * - Audience: there is no `aud`; `azp` stands for it. A token without `azp` is refused.
 * - No `jti` in tokens of version 1. Binding, introspection, logout, exchange: none for these tokens.
 *
 * @group Presets
 */
export function clerkSession({ issuer, origins }: ClerkSessionOptions): IssuerOptions {
  const azp = checkedList('clerkSession: `origins`', origins, origin, 'https://app.example.com')
  const session = { sid: { present: true }, azp }
  return {
    issuer,
    audienceFrom: { claims: { azp } },
    algorithms: ['RS256'],
    headerConditions: [{ cat: ['cl_B7d4PD111AAA', 'cl_I7d4PD111III'] }, { cat: { present: false } }],
    tokenTypes: ['JWT'],
    accessTokenEvidence: [
      { ...session, sts: { not: 'pending' } },
      { ...session, sts: { present: false } },
    ],
    claimProfile: { roles: ['o.rol', 'org_role'], tenant: ['o.id', 'org_id'], userToken: { sid: { present: true } } },
    optionalClaims: ['jti', 'client_id'],
  }
}
