import { refreshTokenGrant } from 'openid-client'
import { sha256Base64url } from '#crypto'
import type { SingleFlight } from '../../lib/single-flight.js'
import type { CallOptions } from '../options.js'
import type { Runtime } from '../runtime.js'
import type { TokenSet } from '../token-set.js'
import { untilAborted } from '../until-aborted.js'
import { requestToken } from './request-token.js'
import { requireToken, scopeList, type TokenTarget, targetParameters } from './target-parameters.js'

/** What {@link OAuthClient.refresh} takes. `scope` and `resource` can only narrow (RFC 6749 §6). @group OAuth client */
export interface RefreshParams extends TokenTarget {
  readonly refreshToken: string
}

/** See {@link OAuthClient.refresh}. */
export async function refresh(
  runtime: Runtime,
  flights: SingleFlight<TokenSet>,
  params: RefreshParams,
  options: CallOptions | undefined,
): Promise<TokenSet> {
  const operation = 'refresh'
  const { refreshToken } = params
  requireToken(operation, 'refreshToken', refreshToken)
  const form = targetParameters(operation, params)
  const key = await sha256Base64url(`${refreshToken}\n${form}`)
  const shared = { timeoutMs: options?.timeoutMs, correlationId: options?.correlationId }
  const redeem = () =>
    flights.run(key, () =>
      requestToken(
        runtime,
        {
          operation,
          retry: 'rate_limited',
          requestedScope: scopeList(params.scope),
          previousRefreshToken: refreshToken,
          send: (config, dpop) => refreshTokenGrant(config, refreshToken, form, dpop),
        },
        shared,
      ),
    )
  return untilAborted(redeem, options?.signal, { operation, issuer: runtime.settings.issuer, ...shared })
}
