/*
 * The JWT authorization grant (RFC 7523 §2.1). Does not make or check the assertion.
 */
import { genericGrantRequest } from 'openid-client'
import { type Rules, required, text } from '../../kit/options.js'
import { beginCall, checkParams, type Runtime } from '../calls/call-endpoint.js'
import type { CallOptions } from '../client-options.js'
import type { TokenSet } from '../token-set.js'
import { GrantTypes } from '../token-types.js'
import {
  requestToken,
  requireToken,
  scopeList,
  type TokenTarget,
  targetParameters,
  targetRules,
} from './token-request.js'

/** What {@link OAuthClient.jwtBearer} takes (RFC 7523 §2.1). @group OAuth client */
export interface JwtBearerParams extends TokenTarget {
  /** One JWT: an authorization grant, such as an ID-JAG. */
  readonly assertion: string
}

const rules: Rules<JwtBearerParams> = { ...targetRules, assertion: required(text) }

/** See {@link OAuthClient.jwtBearer}. */
export async function jwtBearer(
  runtime: Runtime,
  params: JwtBearerParams,
  options: CallOptions | undefined,
): Promise<TokenSet> {
  const call = beginCall(runtime, 'jwtBearer', options)
  checkParams(call, params, rules)
  requireToken(call, 'assertion', params.assertion)
  const form = targetParameters(call, params)
  form.set('assertion', params.assertion)
  const request = {
    retry: 'refused',
    requestedScope: scopeList(params.scope),
    send: (config, dpop) => genericGrantRequest(config, GrantTypes.jwtBearer, form, dpop),
  } satisfies Parameters<typeof requestToken>[1]
  return requestToken(runtime, request, call)
}
