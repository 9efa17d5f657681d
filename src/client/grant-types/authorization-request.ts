/*
 * Authorization requests, pushed (RFC 9126), always with PKCE. Does not send the user anywhere, keep `state`, or redeem
 * the code.
 */
import { buildAuthorizationUrlWithPAR } from 'openid-client'
import { type Rules, required, takes, text } from '../../kit/options.js'
import { beginCall, callEndpoint, checkParams, type Runtime, refuseArgument } from '../calls/call-endpoint.js'
import type { Call } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { ResponseError } from '../errors.js'
import { type TokenTarget, targetParameters, targetRules } from './token-request.js'

/** What {@link OAuthClient.pushAuthorizationRequest} takes (RFC 9126 §2.1). @group OAuth client */
export interface AuthorizationRequestParams extends TokenTarget {
  readonly redirectUri: string
  /** Of {@link createPkcePair}. Every request has PKCE; the method is always S256. */
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

const isRedirectUri = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && !value.includes('#')

const rules: Rules<AuthorizationRequestParams> = {
  ...targetRules,
  redirectUri: required(takes(isRedirectUri, 'an absolute URI without fragment')),
  codeChallenge: required(
    takes((value) => typeof value === 'string' && /^[\w-]{43}$/.test(value), 'the `challenge` of createPkcePair()'),
  ),
  state: required(text),
  nonce: text,
}

const ownParameters = [
  'request_uri',
  'request',
  'response_type',
  'redirect_uri',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
]

/** See {@link OAuthClient.pushAuthorizationRequest}. */
export async function pushAuthorizationRequest(
  runtime: Runtime,
  params: AuthorizationRequestParams,
  options: CallOptions | undefined,
): Promise<PushedAuthorizationRequest> {
  const call = beginCall(runtime, 'pushAuthorizationRequest', options)
  checkParams(call, params, rules)
  return pushForm(runtime, call, requestForm(call, params))
}

/** Pushes the parameters of an authorization request, which were checked before, for a call under way. */
export function pushForm(runtime: Runtime, call: Call, form: URLSearchParams): Promise<PushedAuthorizationRequest> {
  const request = {
    endpoint: 'pushedAuthorizationRequest',
    needs: 'authorization',
    retry: 'refused',
    expectsJson: true,
  } as const
  return callEndpoint(runtime, request, call, async (config, attempt, metadata) => {
    const handle = await runtime.dpop?.handle(config, metadata, 'authorization')
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

function requestForm(call: Call, params: AuthorizationRequestParams): URLSearchParams {
  const own = ownParameters.find((name) => Object.hasOwn(params.parameters ?? {}, name))
  if (own !== undefined) refuseArgument(call, `\`parameters\` must not set \`${own}\`.`)
  const form = targetParameters(call, params)
  form.set('redirect_uri', params.redirectUri)
  form.set('code_challenge', params.codeChallenge)
  form.set('code_challenge_method', 'S256')
  form.set('state', params.state)
  if (params.nonce !== undefined) form.set('nonce', params.nonce)
  return form
}
