/*
 * The answer to an authorization request, and the code in it (RFC 6749 §4.1.2, RFC 9207, OpenID Connect Core §3.1.3).
 * Does not know who started the login: the caller brings the request back that belongs to this user agent.
 */
import { genericGrantRequest } from 'openid-client'
import { constantTimeEqual } from '#crypto'
import { isStringArray, type JsonObject } from '../../kit/json.js'
import { type Rules, required, takes } from '../../kit/options.js'
import { beginCall, checkParams, type Runtime } from '../calls/call-endpoint.js'
import { readOAuthError, redactOAuthError } from '../calls/oauth-errors.js'
import { type Call, contextOf, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { LoginDeniedError, LoginError } from '../login-errors.js'
import { createRedact } from '../redaction.js'
import { GrantTypes } from '../token-types.js'
import type { AuthorizationChecks } from './authorization-url.js'
import { haveKeys, type IdentifiedTokens, identify } from './identify.js'
import { requestToken, type TokenTarget, targetParameters, targetRules } from './token-request.js'

/** What {@link OAuthClient.exchangeCode} takes. @group Authorization requests */
export interface CodeParams extends Pick<TokenTarget, 'resource' | 'parameters'> {
  /**
   * What the user came back with: the URL, its path and query, the query alone, or the form that was posted. Only its
   * parameters are used: scheme, host and path never are.
   */
  readonly callback: URL | URLSearchParams | string
  /** The request it answers, as {@link OAuthClient.authorizationRequest} made it. */
  readonly request: AuthorizationChecks
}

const { scope: _scope, audience: _audience, ...target } = targetRules

function isCallback(value: unknown): boolean {
  return typeof value === 'string' || value instanceof URL || value instanceof URLSearchParams
}

function isRequest(value: unknown): boolean {
  const { redirectUri, state, nonce, codeVerifier, scope, resource } = (value ?? {}) as Partial<AuthorizationChecks>
  const secrets = [redirectUri, state, nonce, codeVerifier]
  const isWhole = secrets.every((secret) => typeof secret === 'string' && secret !== '')
  return isWhole && isStringArray(scope) && isStringArray(resource)
}

const rules: Rules<CodeParams> = {
  ...target,
  callback: required(takes(isCallback, 'a URL, URLSearchParams or a string')),
  request: required(takes(isRequest, 'what authorizationRequest() gave')),
}

/** See {@link OAuthClient.exchangeCode}. */
export async function exchangeCode(
  runtime: Runtime,
  params: CodeParams,
  options: CallOptions | undefined,
): Promise<IdentifiedTokens> {
  const call = beginCall(runtime, 'exchangeCode', options)
  checkParams(call, params, rules)
  const { request } = params
  const resource = params.resource ?? (request.resource.length === 1 ? request.resource : [])
  const form = targetParameters(call, { resource, parameters: params.parameters })
  const answer = readCallback(call, params.callback)
  checkState(call, answer, request)
  return withinCall(runtime, call, async () => {
    const { metadata } = await runtime.server()
    checkIssuer(runtime, call, answer, metadata)
    const code = codeOf(call, answer, [request.state, request.nonce, request.codeVerifier])
    const isLogin = request.scope.includes('openid')
    // Before the code is spent: without keys nothing could be done with what comes for it.
    if (isLogin) await haveKeys(runtime)
    form.set('code', code)
    form.set('redirect_uri', request.redirectUri)
    form.set('code_verifier', request.codeVerifier)
    const tokens = await requestToken(
      runtime,
      {
        retry: 'rate_limited',
        requestedScope: request.scope,
        send: (config, dpop) => genericGrantRequest(config, GrantTypes.authorizationCode, form, dpop),
      },
      call,
    )
    if (!isLogin) return Object.freeze({ tokens, claims: undefined })
    const { nonce, maxAgeSeconds, acrValues } = request
    return identify(runtime, call, tokens, { nonce, maxAgeSeconds, acrValues, code })
  })
}

const maxCallbackLength = 16_384
const maxCodeLength = 4096

/**
 * The parameters of a callback, each at most once.
 *
 * @throws {@link LoginError} `ERR_LOGIN_RESPONSE`
 */
function readCallback(call: Call, callback: URL | URLSearchParams | string): ReadonlyMap<string, string> {
  const text = callback instanceof URL ? callback.search : String(callback)
  if (text.length > maxCallbackLength) throw malformed(call, `longer than ${maxCallbackLength} characters`)
  const parameters = callback instanceof URLSearchParams ? callback : new URLSearchParams(queryOf(text))
  const answer = new Map<string, string>()
  for (const [name, value] of parameters) {
    if (answer.has(name)) throw malformed(call, 'a parameter came twice')
    answer.set(name, value)
  }
  return answer
}

/** The query of a URL or of a path, or what is a query by itself. */
function queryOf(text: string): string {
  if (!URL.canParse(text) && !text.startsWith('/') && !text.startsWith('?')) return text
  return new URL(text, 'https://callback.invalid').search
}

function malformed(call: Call, detail: string): LoginError {
  return new LoginError('ERR_LOGIN_RESPONSE', { ...contextOf(call), detail })
}

function checkState(call: Call, answer: ReadonlyMap<string, string>, { state }: AuthorizationChecks): void {
  if (constantTimeEqual(answer.get('state') ?? '', state)) return
  throw new LoginError('ERR_LOGIN_STATE', contextOf(call))
}

/** RFC 9207 §2.4: what is there must be right, and must be there where the server says that it will. */
function checkIssuer(
  { isIssuer }: Runtime,
  call: Call,
  answer: ReadonlyMap<string, string>,
  metadata: JsonObject,
): void {
  const issuer = answer.get('iss')
  const isRight =
    issuer === undefined ? metadata['authorization_response_iss_parameter_supported'] !== true : isIssuer(issuer)
  if (!isRight) throw new LoginError('ERR_LOGIN_ISSUER', contextOf(call))
}

/**
 * The code, now that the answer is known to come from the server.
 *
 * @throws {@link LoginDeniedError} where the server or the user said no; {@link LoginError} `ERR_LOGIN_RESPONSE`.
 */
function codeOf(call: Call, answer: ReadonlyMap<string, string>, secrets: readonly string[]): string {
  const refusal = readOAuthError(Object.fromEntries(answer))
  if (refusal !== undefined) {
    const code = refusal.error === 'access_denied' ? 'ERR_LOGIN_DENIED' : 'ERR_LOGIN_REFUSED'
    const redact = createRedact([...secrets, answer.get('code') ?? ''].filter(({ length }) => length >= 4))
    const { error, errorDescription, stepUp } = redactOAuthError(refusal, redact)
    throw new LoginDeniedError(code, { ...contextOf(call), error, errorDescription, stepUp })
  }
  const code = answer.get('code') ?? ''
  if (code !== '' && code.length <= maxCodeLength) return code
  throw malformed(call, `\`code\` has 1 to ${maxCodeLength} characters`)
}
