import { buildAuthorizationUrlWithPAR } from 'openid-client'
import { ResponseError } from '../errors.js'
import type { CallOptions } from '../options.js'
import { callEndpoint, type Runtime, refuseArgument } from '../runtime.js'
import { type TokenTarget, targetParameters } from './target-parameters.js'

/** What {@link OAuthClient.pushAuthorizationRequest} takes (RFC 9126 §2.1). @group OAuth client */
export interface AuthorizationRequestParams extends Omit<TokenTarget, 'audience'> {
  readonly redirectUri: string
  /** Of {@link createPkcePair}. There is no request without PKCE; the method is always S256. */
  readonly codeChallenge: string
  /** One-time value bound to the user's session. */
  readonly state: string
  readonly nonce?: string | undefined
}

/** A pushed request. Use it once, before it expires. @group OAuth client */
export interface PushedAuthorizationRequest {
  readonly requestUri: string
  /** In seconds since the Unix epoch. */
  readonly expiresAt: number
  /** Where to send the user: `client_id` and `request_uri` only. */
  readonly authorizationUrl: string
}

const ownParameters = ['request_uri', 'request', 'response_type', 'redirect_uri', 'state', 'nonce', 'code_challenge']

/** See {@link OAuthClient.pushAuthorizationRequest}. */
export async function pushAuthorizationRequest(
  runtime: Runtime,
  params: AuthorizationRequestParams,
  options: CallOptions | undefined,
): Promise<PushedAuthorizationRequest> {
  const operation = 'pushAuthorizationRequest'
  const form = requestForm(params)
  const call = { operation, endpoint: 'pushedAuthorizationRequest', retry: 'refused', expectsJson: true } as const
  return callEndpoint(runtime, call, options, async (config, attempt) => {
    const handle = await runtime.dpop.handle(config)
    const url = await buildAuthorizationUrlWithPAR(config, form, handle === undefined ? {} : { DPoP: handle })
    const seconds = Number(attempt.answer?.json?.['expires_in'])
    if (!Number.isInteger(seconds) || seconds <= 0) throw new ResponseError('ERR_RESPONSE_MALFORMED', attempt.context)
    return {
      requestUri: url.searchParams.get('request_uri') as string,
      expiresAt: Math.floor(runtime.settings.clock() / 1000) + seconds,
      authorizationUrl: url.href,
    }
  })
}

function requestForm(params: AuthorizationRequestParams): URLSearchParams {
  const operation = 'pushAuthorizationRequest'
  const own = ownParameters.find((name) => Object.hasOwn(params.parameters ?? {}, name))
  if (own !== undefined) refuseArgument(operation, `\`parameters\` must not set \`${own}\`.`)
  const form = targetParameters(operation, params)
  const required = { redirect_uri: params.redirectUri, code_challenge: params.codeChallenge, state: params.state }
  for (const [name, value] of Object.entries(required)) {
    if (typeof value !== 'string' || value === '') refuseArgument(operation, `\`${name}\` must be given.`)
    form.set(name, value)
  }
  form.set('code_challenge_method', 'S256')
  if (params.nonce !== undefined) form.set('nonce', params.nonce)
  return form
}
