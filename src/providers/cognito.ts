import type { IssuerOptions } from '../resource-server/token/issuer-options.js'
import { checked, checkedList, word } from './parameters.js'

/** What {@link cognito} is told. @group Presets */
export interface CognitoOptions {
  /** `{region}_{letters}`, such as `eu-central-1_AbCdEfGhI`: the region is read from it. */
  readonly userPoolId: string
  /** The app clients whose tokens are meant for this API. They stand for the audience that Cognito does not write. */
  readonly clientIds: readonly string[]
}

const poolId = /^[a-z]{2}(?:-[a-z]+)+-\d+_[A-Za-z\d]+$/

/**
 * A user pool of Amazon Cognito.
 *
 * - Access token: the header has no `typ`; `token_use` is `access`, and nothing else is evidence.
 * - Client `client_id`, scopes `scope`, roles `cognito:groups`.
 * - Service accounts: `sub` is the client, which we did not confirm for every pool. Tokens of users have `username`.
 * - Audience: access tokens have no `aud`. `client_id` stands for it, and has to be on the list. The tokens of one client open
 *   every API that lists it: tell APIs apart by custom scopes. A token that has an `aud` is judged by it.
 * - `jti` only where token revocation is switched on. Binding, introspection, back-channel logout, exchange: none, as far as
 *   we know.
 *
 * @group Presets
 */
export function cognito({ userPoolId, clientIds }: CognitoOptions): IssuerOptions {
  const pool = checked('cognito: `userPoolId`', userPoolId, poolId, 'eu-central-1_AbCdEfGhI')
  const region = pool.slice(0, pool.indexOf('_'))
  return {
    issuer: `https://cognito-idp.${region}.amazonaws.com/${pool}`,
    audienceFrom: {
      claims: { client_id: checkedList('cognito: `clientIds`', clientIds, word, '1h57kf5cpq17m0eml12EXAMPLE') },
    },
    algorithms: ['RS256'],
    tokenTypes: [null],
    accessTokenEvidence: { token_use: 'access' },
    claimProfile: {
      clientId: 'client_id',
      scope: 'scope',
      roles: 'cognito:groups',
      userToken: { username: { present: true } },
    },
    optionalClaims: ['jti'],
  }
}
