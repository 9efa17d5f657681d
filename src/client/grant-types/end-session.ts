/*
 * Where to send a user who signs out at the server too (OpenID Connect RP-Initiated Logout §2). Ends no session by
 * itself.
 */
import { readSecureUrl } from '../../kit/fetch/secure-url.js'
import { type Rules, takes, text, texts } from '../../kit/options.js'
import { beginCall, checkParams, endpointIn, identityOf, type Runtime } from '../calls/call-endpoint.js'
import { contextOf, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { DiscoveryError } from '../errors.js'

/** What {@link OAuthClient.endSessionUrl} takes. @group Authorization requests */
export interface EndSessionParams {
  /** The last ID token of the user. Left out where the URL would be longer than 2,000 characters, which servers refuse. */
  readonly idTokenHint?: string | undefined
  /** Who signs out, where the ID token is not at hand or too long. */
  readonly logoutHint?: string | undefined
  /** Where the user comes back to: registered at the server, exactly so. */
  readonly postLogoutRedirectUri?: string | undefined
  /** Comes back with the user; check it there. */
  readonly state?: string | undefined
  /** Languages of the page, in order of preference. */
  readonly uiLocales?: readonly string[] | undefined
}

const rules: Rules<EndSessionParams> = {
  idTokenHint: text,
  logoutHint: text,
  postLogoutRedirectUri: takes((value) => typeof value === 'string' && URL.canParse(value), 'an absolute URI'),
  state: text,
  uiLocales: texts,
}

/** Longer URLs are refused by Microsoft Entra ID (AADSTS90015), and by proxies. */
const maxUrlLength = 2000

/** See {@link OAuthClient.endSessionUrl}. */
export async function endSessionUrl(
  runtime: Runtime,
  params: EndSessionParams,
  options: CallOptions | undefined,
): Promise<string | undefined> {
  const call = beginCall(runtime, 'endSessionUrl', options)
  checkParams(call, params, rules)
  return withinCall(runtime, call, async () => {
    const { metadata } = await runtime.openid('end_session_endpoint')
    if ((metadata.end_session_endpoint ?? undefined) === undefined) return undefined
    const url = readSecureUrl(endpointIn(metadata, call, 'endSession'), runtime.settings.insecureHosts)
    if (url === undefined) {
      const message = '`end_session_endpoint` in the metadata of the authorization server is no https URL'
      throw new DiscoveryError('ERR_DISCOVERY_INVALID', { ...contextOf(call), message })
    }
    const { clientId } = await identityOf(runtime, call)
    const members = {
      id_token_hint: params.idTokenHint,
      client_id: clientId,
      logout_hint: params.logoutHint,
      post_logout_redirect_uri: params.postLogoutRedirectUri,
      state: params.state,
      ui_locales: params.uiLocales?.join(' '),
    }
    for (const [name, value] of Object.entries(members)) if (value) url.searchParams.set(name, value)
    if (url.href.length > maxUrlLength) url.searchParams.delete('id_token_hint')
    return url.href
  })
}
