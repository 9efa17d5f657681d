import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, word } from './parameters.js'

/** What {@link zitadel} is told. @group Presets */
export interface ZitadelOptions {
  /** The URL of the instance. */
  readonly issuer: string
  /** The id of the project of your API. It is in `aud` where clients ask for `urn:zitadel:iam:org:project:id:{projectId}:aud`. */
  readonly projectId: string
}

/**
 * A project of Zitadel, with applications that get JWT access tokens.
 *
 * - Access token: the header says `JWT`; a `jti` and no `auth_time` is the evidence. ID tokens have no `jti`. `client_id` shows
 *   nothing: ID tokens have it as well.
 * - Client `client_id` (older: `azp`). Scopes: none in tokens; introspection reports them. Tenant: the organisation of the user,
 *   if asked for.
 * - Roles: the names in `urn:zitadel:iam:org:project:{projectId}:roles`. `urn:zitadel:iam:org:project:roles` is not read: it holds
 *   the roles of the project of the client, which may be another one.
 * - Service accounts: nothing tells them, so that `isClientToken` is `undefined` unless `sub` is the client.
 * - Audience: the project. Its applications share it: a token of one opens every API of the project.
 * - Binding: none that we know. Introspection: by an API application of a project in `aud`. Exchange: `audience`, `resource`
 *   is ignored. Back-channel logout: not confirmed by us.
 *
 * @group Presets
 */
export function zitadel({ issuer, projectId }: ZitadelOptions): IssuerOptions {
  const project = checked('zitadel: `projectId`', projectId, word, '123456789012345678')
  return {
    issuer,
    audience: project,
    tokenTypes: ['JWT'],
    accessTokenEvidence: { jti: { present: true }, auth_time: { present: false } },
    claimProfile: {
      clientId: ['client_id', 'azp'],
      scope: 'scope',
      roles: { claim: `urn:zitadel:iam:org:project:${project}:roles`, form: 'object-keys' },
      tenant: 'urn:zitadel:iam:user:resourceowner:id',
    },
  }
}
