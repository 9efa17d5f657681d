/*
 * The authorization request of a login (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1): always a code, always with PKCE,
 * state and nonce. Does not send the user anywhere, and keeps nothing.
 */
import { encodeBase64url } from '#crypto'
import { isLoopbackHostname, readSecureUrl } from '../../kit/fetch/secure-url.js'
import { hideSecrets } from '../../kit/hidden.js'
import type { JsonObject } from '../../kit/json.js'
import { choice, integer, object, type Rules, required, takes, text, textOrTexts, texts } from '../../kit/options.js'
import { beginCall, checkParams, endpointIn, identityOf, type Runtime, refuseArgument } from '../calls/call-endpoint.js'
import { type Call, contextOf, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { DiscoveryError } from '../errors.js'
import { createPkcePair, pkceChallenge } from '../pkce.js'
import { pushForm } from './authorization-request.js'
import { listOf, scopeList, type TokenTarget, targetParameters, targetRules } from './token-request.js'

/** What {@link OAuthClient.authorizationRequest} takes. @group Authorization requests */
export interface AuthorizationParams extends TokenTarget {
  /** Where the user comes back to: an absolute URI from your configuration, never from a request. `http` on loopback hosts only. */
  readonly redirectUri: string
  /** What is known of who signs in. */
  readonly loginHint?: string | undefined
  /** `none`, `login`, `consent`, `select_account`; a string or an array. */
  readonly prompt?: string | readonly string[] | undefined
  /** How long ago the user may have signed in at the server. The ID token is held to it. */
  readonly maxAgeSeconds?: number | undefined
  /** How the user has to sign in, one of these. The ID token is held to it. */
  readonly acrValues?: readonly string[] | undefined
  /** Languages of the login page, in order of preference. */
  readonly uiLocales?: readonly string[] | undefined
  /** An ID token of the user who is to sign in again. */
  readonly idTokenHint?: string | undefined
  /** Single claims to ask for (OpenID Connect Core §5.5). */
  readonly claims?: JsonObject | undefined
  /** How the answer comes back. Default: none is sent, which is `query`. */
  readonly responseMode?: 'query' | 'form_post' | undefined
  /**
   * Whether the request is pushed (RFC 9126): `auto`, when the server or the registration of this client demands it;
   * `never` even then. Default `auto`.
   */
  readonly par?: 'auto' | 'always' | 'never' | undefined
}

/** What the answer to an authorization request is held to. @group Authorization requests */
export interface AuthorizationChecks {
  readonly redirectUri: string
  /** The requested scopes. With `openid` among them, an ID token must come. */
  readonly scope: readonly string[]
  /** The resources the tokens are for. A single one is named to the token endpoint again (RFC 8707 §2.2). */
  readonly resource: readonly string[]
  readonly maxAgeSeconds: number | undefined
  readonly acrValues: readonly string[] | undefined
  /** Hidden. */
  readonly state: string
  /** Hidden. */
  readonly nonce: string
  /** Hidden. */
  readonly codeVerifier: string
}

/**
 * An authorization request, ready to be sent. Frozen. Keep it, without the URL, where only this user agent brings it
 * back, use it once, and forget it after 10 minutes.
 *
 * @group Authorization requests
 */
export interface AuthorizationRequest extends AuthorizationChecks {
  /** Where to send the user, by a 303 or a new browser window. Hidden: it holds `state`. */
  readonly url: string
}

/** Schemes that browsers run or read in place, instead of handing them over. */
const unsafeSchemes: readonly string[] = ['javascript:', 'data:', 'file:', 'blob:', 'about:', 'vbscript:']

/** Whether users may be sent back there: an absolute URI without fragment; `http` on loopback hosts only. */
export function isRedirectUri(value: unknown): boolean {
  if (typeof value !== 'string' || value.includes('#') || !URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  return protocol === 'http:' ? isLoopbackHostname(hostname) : !unsafeSchemes.includes(protocol)
}

const rules: Rules<AuthorizationParams> = {
  ...targetRules,
  redirectUri: required(takes(isRedirectUri, 'an absolute URI without fragment, https unless on a loopback host')),
  loginHint: text,
  prompt: textOrTexts,
  maxAgeSeconds: integer(0),
  acrValues: texts,
  uiLocales: texts,
  idTokenHint: text,
  claims: object,
  responseMode: choice('query', 'form_post'),
  par: choice('auto', 'always', 'never'),
}

const ownParameters: readonly string[] = [
  'response_type',
  'response_mode',
  'redirect_uri',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'login_hint',
  'max_age',
  'acr_values',
  'ui_locales',
  'id_token_hint',
  'claims',
  'request',
  'request_uri',
  'dpop_jkt',
]

/** See {@link OAuthClient.authorizationRequest}. */
export async function authorizationRequest(
  runtime: Runtime,
  params: AuthorizationParams,
  options: CallOptions | undefined,
): Promise<AuthorizationRequest> {
  const call = beginCall(runtime, 'authorizationRequest', options)
  checkParams(call, params, rules)
  const own = ownParameters.find((name) => Object.hasOwn(params.parameters ?? {}, name))
  if (own !== undefined) refuseArgument(call, `\`parameters\` must not set \`${own}\`.`)
  const secrets = { state: randomText(), nonce: randomText(), codeVerifier: (await createPkcePair()).verifier }
  const form = await requestForm(call, params, secrets)
  return withinCall(runtime, call, async () => {
    const { metadata } = await runtime.server()
    const url = await requestUrl(runtime, call, params.par ?? 'auto', form, metadata)
    const shown = {
      redirectUri: params.redirectUri,
      scope: Object.freeze(scopeList(params.scope)),
      resource: Object.freeze([...listOf(params.resource)]),
      maxAgeSeconds: params.maxAgeSeconds,
      acrValues: params.acrValues && Object.freeze([...params.acrValues]),
    }
    return hideSecrets(shown, { ...secrets, url })
  })
}

/** 32 random bytes as 43 characters. */
function randomText(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))
}

async function requestForm(
  call: Call,
  params: AuthorizationParams,
  { state, nonce, codeVerifier }: Pick<AuthorizationChecks, 'state' | 'nonce' | 'codeVerifier'>,
): Promise<URLSearchParams> {
  const form = targetParameters(call, params)
  const { maxAgeSeconds, acrValues, uiLocales, claims } = params
  const optional = {
    response_mode: params.responseMode,
    login_hint: params.loginHint,
    prompt: params.prompt && listOf(params.prompt).join(' '),
    max_age: maxAgeSeconds?.toString(),
    acr_values: acrValues?.join(' '),
    ui_locales: uiLocales?.join(' '),
    id_token_hint: params.idTokenHint,
    claims: claims && JSON.stringify(claims),
  }
  for (const [name, value] of Object.entries(optional)) if (value) form.set(name, value)
  form.set('response_type', 'code')
  form.set('redirect_uri', params.redirectUri)
  form.set('state', state)
  // It comes back in an ID token alone (OpenID Connect Core §3.1.2.1), and servers refuse it where none is asked for.
  if (scopeList(params.scope).includes('openid')) form.set('nonce', nonce)
  form.set('code_challenge', await pkceChallenge(codeVerifier))
  form.set('code_challenge_method', 'S256')
  return form
}

async function requestUrl(
  runtime: Runtime,
  call: Call,
  par: 'auto' | 'always' | 'never',
  form: URLSearchParams,
  metadata: JsonObject,
): Promise<string> {
  const endpoint = browserEndpoint(metadata, call, runtime)
  const { clientId } = await identityOf(runtime, call)
  if (runtime.dpop !== undefined) {
    form.set('dpop_jkt', await runtime.dpop.proofs(async () => metadata).thumbprint())
  }
  const isDemanded =
    metadata['require_pushed_authorization_requests'] === true ||
    runtime.settings.registration?.metadata.require_pushed_authorization_requests === true
  if (par === 'always' || (par === 'auto' && isDemanded)) return (await pushForm(runtime, call, form)).authorizationUrl
  form.set('client_id', clientId)
  // Each parameter once (RFC 6749 §3.1), also where the endpoint has one of that name already; `resource` may repeat.
  for (const name of new Set(form.keys())) endpoint.searchParams.delete(name)
  for (const [name, value] of form) endpoint.searchParams.append(name, value)
  return endpoint.href
}

/** Where the browser goes: its query stays, a fragment is an error (RFC 6749 §3.1). */
function browserEndpoint(metadata: JsonObject, call: Call, { settings }: Runtime): URL {
  const text = endpointIn(metadata, call, 'authorization')
  const url = readSecureUrl(text, settings.insecureHosts)
  if (url !== undefined && !text.includes('#')) return url
  const message =
    '`authorization_endpoint` in the metadata of the authorization server is no https URL, or has a fragment'
  throw new DiscoveryError('ERR_DISCOVERY_INVALID', { ...contextOf(call), message })
}
