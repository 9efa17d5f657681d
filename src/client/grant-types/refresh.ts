/*
 * The refresh token grant (RFC 6749 §6): concurrent calls with one token share one request. Does not store tokens, and
 * does not keep two processes from using the same one.
 */
import { refreshTokenGrant } from 'openid-client'
import { sha256Base64url } from '#crypto'
import { object, type Rules, required, text } from '../../kit/options.js'
import type { SingleFlight } from '../../kit/single-flight.js'
import { beginCall, checkParams, type Runtime } from '../calls/call-endpoint.js'
import { withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import type { PreviousTokens, TokenSet } from '../token-set.js'
import { identifyAgain } from './identify.js'
import {
  requestToken,
  requireToken,
  scopeList,
  type TokenTarget,
  targetParameters,
  targetRules,
} from './token-request.js'

/** What {@link OAuthClient.refresh} takes. `scope` and `resource` can only narrow (RFC 6749 §6). @group OAuth client */
export interface RefreshParams extends TokenTarget {
  readonly refreshToken: string
  /**
   * The tokens being refreshed: what the server does not send anew stays theirs, and an ID token that it sends must be
   * about the same login. Without them an ID token in the answer is left out.
   */
  readonly previous?: PreviousTokens | undefined
}

const rules: Rules<RefreshParams> = { ...targetRules, refreshToken: required(text), previous: object }

/** See {@link OAuthClient.refresh}. */
export async function refresh(
  runtime: Runtime,
  flights: SingleFlight<TokenSet>,
  params: RefreshParams,
  options: CallOptions | undefined,
): Promise<TokenSet> {
  const call = beginCall(runtime, 'refresh', options)
  checkParams(call, params, rules)
  const { refreshToken, previous = {} } = params
  requireToken(call, 'refreshToken', refreshToken)
  const form = targetParameters(call, params)
  const key = await sha256Base64url(`${refreshToken}\n${form}`)
  const { refreshExpiresAt, idToken, scope } = previous
  const request = {
    retry: 'rate_limited',
    requestedScope: scopeList(params.scope),
    previous: { refreshToken, refreshExpiresAt, idToken, scope },
    send: (config, dpop) => refreshTokenGrant(config, refreshToken, form, dpop),
  } satisfies Parameters<typeof requestToken>[1]
  const redeem = async () => {
    const tokens = await requestToken(runtime, request, { ...call, signal: undefined })
    return idToken === undefined ? tokens : identifyAgain(runtime, call, tokens, idToken)
  }
  return withinCall(runtime, call, () => flights.run(key, redeem))
}
