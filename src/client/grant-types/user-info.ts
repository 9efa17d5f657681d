/*
 * The userinfo endpoint (OpenID Connect Core §5.3), and its like at servers without OpenID Connect.
 */
import { fetchProtectedResource } from 'openid-client'
import { type JsonObject, ownMember } from '../../kit/json.js'
import { text } from '../../kit/options.js'
import { isJson, unexpectedStatus } from '../calls/attempt.js'
import { beginCall, callEndpoint, type Runtime } from '../calls/call-endpoint.js'
import { contextOf, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { ResponseError } from '../errors.js'
import { LoginError } from '../login-errors.js'
import { readSignedUserInfo } from '../signed-user-info.js'
import { idTokenSettings } from './identify.js'
import { requireToken } from './token-request.js'

/** What {@link OAuthClient.userInfo} takes beside the token. @group Authorization requests */
export interface UserInfoOptions extends CallOptions {
  /** The `sub` of the ID token. Always give it where there is one: an answer about another user is refused. */
  readonly expectedSubject?: string | undefined
}

/** See {@link OAuthClient.userInfo}. */
export async function userInfo(
  runtime: Runtime,
  accessToken: string,
  options: UserInfoOptions | undefined,
): Promise<JsonObject> {
  const call = beginCall(runtime, 'userInfo', options, { expectedSubject: text })
  requireToken(call, 'accessToken', accessToken)
  const request = { endpoint: 'userinfo', retry: 'safe', expectsJson: false } as const
  const given = await callEndpoint(runtime, request, call, async (config, attempt, metadata) => {
    const url = new URL(metadata['userinfo_endpoint'] as string)
    const headers = new Headers({ accept: 'application/json, application/jwt;q=0.9' })
    const handle = await runtime.dpop?.handle(config, metadata, 'resource')
    await fetchProtectedResource(config, accessToken, url, 'GET', undefined, headers, handle && { DPoP: handle })
    if (attempt.answer?.status !== 200) throw unexpectedStatus()
    const { mediaType, text, json } = attempt.answer
    if (mediaType === 'application/jwt') return text
    if (json === undefined || !isJson(mediaType)) throw new ResponseError('ERR_RESPONSE_MALFORMED', attempt.context)
    return json
  })
  const answer =
    typeof given === 'string'
      ? await withinCall(runtime, call, async () => readSignedUserInfo(given, await idTokenSettings(runtime, call)))
      : given
  const { expectedSubject } = options ?? {}
  if (expectedSubject !== undefined && ownMember(answer, 'sub') !== expectedSubject) {
    throw new LoginError('ERR_LOGIN_SUBJECT', { ...contextOf(call), detail: 'userinfo names another user' })
  }
  return Object.freeze(answer)
}
