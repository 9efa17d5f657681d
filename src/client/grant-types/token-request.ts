/*
 * What all requests to the token endpoint have in common: the target, the request, the checks of its answer. Does not
 * look into the tokens.
 */
import { type Configuration, type CustomFetch, customFetch, type DPoPOptions } from 'openid-client'
import { isStringArray, type JsonObject } from '../../kit/json.js'
import { type Rules, takes, textMap, textOrTexts } from '../../kit/options.js'
import { type Attempt, readResponse } from '../calls/attempt.js'
import { callEndpoint, type Runtime, refuseArgument } from '../calls/call-endpoint.js'
import type { Call, RetryRule } from '../calls/run-call.js'
import { DpopError, ResponseError } from '../errors.js'
import { createTokenSet, type PreviousTokens, type TokenSet } from '../token-set.js'
import { TokenTypes } from '../token-types.js'

/** What a requested token is for. @group OAuth client */
export interface TokenTarget {
  /** A space-delimited string or an array. */
  readonly scope?: string | readonly string[] | undefined
  /** Absolute URIs of the resources the token is for, without fragment (RFC 8707 §2). Best exactly one. */
  readonly resource?: string | readonly string[] | undefined
  /**
   * Logical names of the services the token is for (RFC 8693 §2.1). Not standard elsewhere: Auth0 and Ory Hydra want one in
   * authorization requests and client credentials, or the token is good for no API.
   */
  readonly audience?: string | readonly string[] | undefined
  /** Further form parameters of your server, such as `tenant`. None that the client sets itself. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
}

const isScope = (value: unknown): boolean => typeof value === 'string' || isStringArray(value)

/** See {@link TokenTarget}. */
export const targetRules: Rules<TokenTarget> = {
  scope: takes(isScope, 'a string or an array of strings'),
  resource: textOrTexts,
  audience: textOrTexts,
  parameters: textMap,
}

const reserved: ReadonlySet<string> = new Set([
  'actor_token',
  'actor_token_type',
  'assertion',
  'audience',
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'code',
  'code_verifier',
  'grant_type',
  'refresh_token',
  'requested_token_type',
  'resource',
  'scope',
  'subject_token',
  'subject_token_type',
])

/** The requested scopes, one by one, without duplicates. */
export function scopeList(scope: TokenTarget['scope']): readonly string[] {
  const items = typeof scope === 'string' ? scope.split(' ') : (scope ?? []).flatMap((item) => item.split(' '))
  return [...new Set(items.filter((item) => item !== ''))]
}

/** A string or a list, as a list. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : (value ?? [])
}

/**
 * The form parameters of a target: `resource` and `audience` repeated, one field per value (RFC 8707 §2).
 *
 * @throws {@link ClientCallError} for a resource that is not an absolute URI or has a fragment, and for reserved
 * parameter names.
 */
export function targetParameters(call: Call, target: TokenTarget): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(target.parameters ?? {})) {
    if (reserved.has(name)) refuseArgument(call, `\`parameters\` must not set \`${name}\`.`)
    form.set(name, value)
  }
  const scopes = scopeList(target.scope)
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  for (const resource of listOf(target.resource)) {
    if (!URL.canParse(resource) || resource.includes('#')) {
      refuseArgument(call, '`resource` takes absolute URIs without fragment (RFC 8707 §2).')
    }
    form.append('resource', resource)
  }
  for (const audience of listOf(target.audience)) form.append('audience', audience)
  return form
}

/** @throws {@link ClientCallError} unless `token` is a non-empty string without a scheme before it. */
export function requireToken(call: Call, name: string, token: unknown): asserts token is string {
  if (typeof token === 'string' && /^\S+$/.test(token)) return
  refuseArgument(
    call,
    `\`${name}\` takes a token: not empty, without white space, and without a scheme such as "Bearer".`,
  )
}

/** One request to the token endpoint. */
export interface TokenRequest {
  readonly retry: RetryRule
  readonly requestedScope: readonly string[]
  readonly requestedTokenType?: string | undefined
  /** The answer must name the type of the token (RFC 8693 §2.2.1), and the one asked for. */
  readonly namesTokenType?: boolean
  readonly previous?: PreviousTokens | undefined
  /** The grant, by `openid-client`. */
  send(config: Configuration, dpop: DPoPOptions): Promise<unknown>
}

/** Sends a token request and builds the {@link TokenSet}; refuses a token that is not bound as it must be. */
export function requestToken(runtime: Runtime, request: TokenRequest, call: Call): Promise<TokenSet> {
  const endpoint = { retry: request.retry, endpoint: 'token', expectsJson: true } as const
  return callEndpoint(runtime, endpoint, call, async (config, attempt, metadata) => {
    const handle = await runtime.dpop?.handle(config, metadata, 'authorization')
    // ID tokens are verified here alone, with keys: what `openid-client` would refuse of them does not matter.
    config[customFetch] = withoutMember(attempt, 'id_token')
    await request.send(config, handle === undefined ? {} : { DPoP: handle })
    const tokens = createTokenSet({
      raw: attempt.answer?.json as JsonObject,
      clock: runtime.settings.clock,
      requestedScope: request.requestedScope,
      previous: request.previous,
      scopeSeparator: runtime.scopeSeparator,
    })
    if (request.namesTokenType === true) checkIssuedType(tokens, request.requestedTokenType, attempt)
    checkBinding(tokens, handle !== undefined, request.requestedTokenType, attempt)
    return tokens
  })
}

/** The fetch of an attempt whose answer `openid-client` sees without one of its members. */
export function withoutMember(attempt: Attempt, name: string): CustomFetch {
  return async (url, init) => {
    const response = await attempt.fetch(url, init)
    const { [name]: left, ...others } = attempt.answer?.json ?? {}
    if (left === undefined) return response
    return readResponse(response, JSON.stringify(others))
  }
}

function checkIssuedType(
  { issuedTokenType }: TokenSet,
  requestedTokenType: string | undefined,
  { context }: Attempt,
): void {
  const asRequested = requestedTokenType === undefined || requestedTokenType === issuedTokenType
  if (typeof issuedTokenType === 'string' && issuedTokenType !== '' && asRequested) return
  throw new ResponseError('ERR_ISSUED_TOKEN_TYPE', context)
}

/** RFC 9449 §5: a client that asked for a bound token discards any other. One that did not ask cannot use a bound one. */
function checkBinding(
  { tokenType }: TokenSet,
  wantsDpop: boolean,
  requestedTokenType: string | undefined,
  { context }: Attempt,
): void {
  if (!wantsDpop && tokenType === 'DPoP') throw new ResponseError('ERR_TOKEN_TYPE_UNUSABLE', context)
  if (!wantsDpop || tokenType === 'DPoP') return
  const noAccessToken = requestedTokenType !== undefined && requestedTokenType !== TokenTypes.accessToken
  if (tokenType === 'N_A' && noAccessToken) return
  throw new DpopError('ERR_DPOP_NOT_BOUND', context)
}
