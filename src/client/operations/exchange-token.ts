import { genericGrantRequest } from 'openid-client'
import { ResponseError } from '../errors.js'
import type { CallOptions } from '../options.js'
import { type Runtime, refuseArgument } from '../runtime.js'
import type { TokenSet } from '../token-set.js'
import { GrantTypes, TokenTypes } from '../token-types.js'
import { requestToken } from './request-token.js'
import { requireToken, scopeList, type TokenTarget, targetParameters } from './target-parameters.js'

/** What {@link OAuthClient.exchangeToken} takes (RFC 8693 §2.1). @group OAuth client */
export interface TokenExchangeParams extends TokenTarget {
  /** The token on whose behalf the new one is asked for: its value alone, without a scheme. */
  readonly subjectToken: string
  /** Default: an access token. */
  readonly subjectTokenType?: string | undefined
  /** Who acts for the subject: token and type go together or not at all. With it the exchange is a delegation. */
  readonly actor?: { readonly token: string; readonly type: string } | undefined
  /** What to issue; the answer must then be of this very type. */
  readonly requestedTokenType?: string | undefined
}

/** See {@link OAuthClient.exchangeToken}. */
export async function exchangeToken(
  runtime: Runtime,
  params: TokenExchangeParams,
  options: CallOptions | undefined,
): Promise<TokenSet> {
  const form = exchangeForm(runtime, params)
  const { requestedTokenType } = params
  const tokens = await requestToken(
    runtime,
    {
      operation: 'exchangeToken',
      retry: 'refused',
      requestedScope: scopeList(params.scope),
      requestedTokenType,
      send: (config, dpop) => genericGrantRequest(config, GrantTypes.tokenExchange, form, dpop),
    },
    options,
  )
  const { issuedTokenType } = tokens
  const asRequested = requestedTokenType === undefined || requestedTokenType === issuedTokenType
  if (typeof issuedTokenType === 'string' && issuedTokenType !== '' && asRequested) return tokens
  const context = { operation: 'exchangeToken', issuer: runtime.settings.issuer, correlationId: options?.correlationId }
  throw new ResponseError('ERR_ISSUED_TOKEN_TYPE', context)
}

function exchangeForm({ settings }: Runtime, params: TokenExchangeParams): URLSearchParams {
  const { subjectToken, subjectTokenType = TokenTypes.accessToken, actor, requestedTokenType } = params
  if (settings.credential.method === 'none') {
    refuseArgument('exchangeToken', 'A public client cannot exchange tokens: give the client a credential.')
  }
  requireToken('exchangeToken', 'subjectToken', subjectToken)
  const form = targetParameters('exchangeToken', params)
  form.set('subject_token', subjectToken)
  form.set('subject_token_type', subjectTokenType)
  if (actor !== undefined) {
    requireToken('exchangeToken', 'actor.token', actor.token)
    requireToken('exchangeToken', 'actor.type', actor.type)
    form.set('actor_token', actor.token)
    form.set('actor_token_type', actor.type)
  }
  if (requestedTokenType !== undefined) form.set('requested_token_type', requestedTokenType)
  return form
}
