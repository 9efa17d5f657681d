/*
 * Revocation of all tokens of a login. Does not forget them: the caller does.
 */

import type { CallOptions } from '../client/client-options.js'
import type { VendorClient } from '../client/create-client.js'
import { isOAuthClientError } from '../client/errors.js'
import type { TokenSet } from '../client/token-set.js'
import type { ProviderSettings } from './provider-options.js'

type Outcome = 'revoked' | 'unsupported'

/** Sends one token to where it is revoked. */
type SendToken = (token: string, tokenTypeHint: 'refresh_token' | 'access_token') => Promise<unknown>

/** See {@link Provider.revoke}. */
export async function revokeTokens(
  { preset }: ProviderSettings,
  { client, sendRevocation }: VendorClient,
  tokens: TokenSet,
  call: CallOptions | undefined,
): Promise<Outcome> {
  const { revocation } = preset
  if (revocation !== undefined)
    return revokeBoth(tokens, async (token) => sendRevocation(await revocation(token), call))
  if ((await client.ready()).revocation_endpoint === undefined) return 'unsupported'
  return revokeBoth(tokens, (token, tokenTypeHint) => client.revoke(token, { ...call, tokenTypeHint }))
}

/** Revokes the refresh token first, as its end is that of the access token at most servers: what becomes of it counts. */
export async function revokeBoth({ refreshToken, accessToken }: TokenSet, send: SendToken): Promise<Outcome> {
  async function revokeOne(...token: Parameters<SendToken>): Promise<Outcome> {
    try {
      await send(...token)
      return 'revoked'
    } catch (error) {
      // RFC 7009 §2.2 wants 200 for a token that is not good any more; some say so instead.
      if (isOAuthClientError(error) && error.code === 'ERR_INVALID_TOKEN') return 'revoked'
      if (isOAuthClientError(error) && error.code === 'ERR_UNSUPPORTED_TOKEN_TYPE') return 'unsupported'
      throw error
    }
  }

  const first = refreshToken === undefined ? undefined : revokeOne(refreshToken, 'refresh_token')
  // Sent also where the first one failed: what can be revoked is.
  const second = await (first ?? Promise.resolve('unsupported' as const)).then(after, after)
  return (await first) ?? second

  function after(): Promise<Outcome> {
    return revokeOne(accessToken, 'access_token')
  }
}
