/*
 * Token exchange (RFC 8693). Does not cache: the grants of the resource server do.
 */
import { genericGrantRequest } from 'openid-client'
import { members, type Rules, required, text } from '../../kit/options.js'
import { beginCall, checkParams, type Runtime, refuseArgument } from '../calls/call-endpoint.js'
import type { Call } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import type { TokenSet } from '../token-set.js'
import { GrantTypes, TokenTypes } from '../token-types.js'
import {
  requestToken,
  requireToken,
  scopeList,
  type TokenTarget,
  targetParameters,
  targetRules,
} from './token-request.js'

/** What {@link OAuthClient.exchangeToken} takes (RFC 8693 §2.1). @group OAuth client */
export interface TokenExchangeParams extends TokenTarget {
  /** The token on whose behalf the new one is asked for: only its value, without a scheme. */
  readonly subjectToken: string
  /** Default: an access token. */
  readonly subjectTokenType?: string | undefined
  /** Who acts for the subject: token and type go together or not at all. With it the exchange is a delegation. */
  readonly actor?: { readonly token: string; readonly type: string } | undefined
  /** What to issue; the answer must then be of this very type. */
  readonly requestedTokenType?: string | undefined
}

const rules: Rules<TokenExchangeParams> = {
  ...targetRules,
  subjectToken: required(text),
  subjectTokenType: text,
  actor: members<NonNullable<TokenExchangeParams['actor']>>({ token: required(text), type: required(text) }),
  requestedTokenType: text,
}

/** See {@link OAuthClient.exchangeToken}. */
export async function exchangeToken(
  runtime: Runtime,
  params: TokenExchangeParams,
  options: CallOptions | undefined,
): Promise<TokenSet> {
  const call = beginCall(runtime, 'exchangeToken', options)
  checkParams(call, params, rules)
  if (runtime.settings.authMethod === 'none') {
    refuseArgument(call, 'A public client cannot exchange tokens: give the client a credential.')
  }
  const form = exchangeForm(call, params)
  const request = {
    retry: 'refused',
    requestedScope: scopeList(params.scope),
    requestedTokenType: params.requestedTokenType,
    namesTokenType: true,
    send: (config, dpop) => genericGrantRequest(config, GrantTypes.tokenExchange, form, dpop),
  } satisfies Parameters<typeof requestToken>[1]
  return requestToken(runtime, request, call)
}

function exchangeForm(call: Call, params: TokenExchangeParams): URLSearchParams {
  const { subjectToken, subjectTokenType = TokenTypes.accessToken, actor, requestedTokenType } = params
  requireToken(call, 'subjectToken', subjectToken)
  const form = targetParameters(call, params)
  form.set('subject_token', subjectToken)
  form.set('subject_token_type', subjectTokenType)
  if (actor !== undefined) {
    requireToken(call, 'actor.token', actor.token)
    requireToken(call, 'actor.type', actor.type)
    form.set('actor_token', actor.token)
    form.set('actor_token_type', actor.type)
  }
  if (requestedTokenType !== undefined) form.set('requested_token_type', requestedTokenType)
  return form
}
