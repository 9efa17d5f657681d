import { genericGrantRequest } from 'openid-client'
import type { CallOptions } from '../options.js'
import type { Runtime } from '../runtime.js'
import type { TokenSet } from '../token-set.js'
import { GrantTypes } from '../token-types.js'
import { requestToken } from './request-token.js'
import { requireToken, scopeList, type TokenTarget, targetParameters } from './target-parameters.js'

/** What {@link OAuthClient.jwtBearer} takes (RFC 7523 §2.1). @group OAuth client */
export interface JwtBearerParams extends TokenTarget {
  /** One JWT: an authorization grant, such as an ID-JAG. */
  readonly assertion: string
}

/** See {@link OAuthClient.jwtBearer}. */
export async function jwtBearer(
  runtime: Runtime,
  params: JwtBearerParams,
  options: CallOptions | undefined,
): Promise<TokenSet> {
  requireToken('jwtBearer', 'assertion', params.assertion)
  const form = targetParameters('jwtBearer', params)
  form.set('assertion', params.assertion)
  const request = {
    operation: 'jwtBearer',
    retry: 'refused',
    requestedScope: scopeList(params.scope),
    send: (config, dpop) => genericGrantRequest(config, GrantTypes.jwtBearer, form, dpop),
  } satisfies Parameters<typeof requestToken>[1]
  return requestToken(runtime, request, options)
}
