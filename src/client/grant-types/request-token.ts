import type { Configuration, DPoPOptions } from 'openid-client'
import type { JsonObject } from '../../kit/json.js'
import { DpopError, ResponseError } from '../errors.js'
import type { Call, CallAttempt, RetryRule } from '../run-call.js'
import { callEndpoint, type Runtime } from '../runtime.js'
import { createTokenSet, type TokenSet } from '../token-set.js'
import { TokenTypes } from '../token-types.js'

/** One request to the token endpoint. */
export interface TokenRequest {
  readonly retry: RetryRule
  readonly requestedScope: readonly string[]
  readonly requestedTokenType?: string | undefined
  /** The answer must name the type of the token (RFC 8693 §2.2.1), and the one asked for. */
  readonly namesTokenType?: boolean
  readonly previousRefreshToken?: string | undefined
  /** The grant, by `openid-client`. */
  send(config: Configuration, dpop: DPoPOptions): Promise<unknown>
}

/** Sends a token request and builds the {@link TokenSet}; refuses a token that is not bound as it must be. */
export function requestToken(runtime: Runtime, request: TokenRequest, call: Call): Promise<TokenSet> {
  const endpoint = { retry: request.retry, endpoint: 'token', expectsJson: true } as const
  return callEndpoint(runtime, endpoint, call, async (config, attempt, metadata) => {
    const handle = await runtime.dpop.handle(config, metadata)
    await request.send(config, handle === undefined ? {} : { DPoP: handle })
    const tokens = createTokenSet({
      raw: attempt.answer?.json as JsonObject,
      clock: runtime.settings.clock,
      requestedScope: request.requestedScope,
      previousRefreshToken: request.previousRefreshToken,
    })
    if (request.namesTokenType === true) checkIssuedType(tokens, request.requestedTokenType, attempt)
    checkBinding(tokens, handle !== undefined, request.requestedTokenType, attempt)
    return tokens
  })
}

function checkIssuedType(
  { issuedTokenType }: TokenSet,
  requestedTokenType: string | undefined,
  { context }: CallAttempt,
): void {
  const asRequested = requestedTokenType === undefined || requestedTokenType === issuedTokenType
  if (typeof issuedTokenType === 'string' && issuedTokenType !== '' && asRequested) return
  throw new ResponseError('ERR_ISSUED_TOKEN_TYPE', context)
}

/** RFC 9449 §5: who asked for a bound token discards any other; who did not has no key to use a bound one with. */
function checkBinding(
  { tokenType }: TokenSet,
  wantsDpop: boolean,
  requestedTokenType: string | undefined,
  { context }: CallAttempt,
): void {
  if (!wantsDpop && tokenType === 'DPoP') throw new ResponseError('ERR_TOKEN_TYPE_UNUSABLE', context)
  if (!wantsDpop || tokenType === 'DPoP') return
  const noAccessToken = requestedTokenType !== undefined && requestedTokenType !== TokenTypes.accessToken
  if (tokenType === 'N_A' && noAccessToken) return
  throw new DpopError('ERR_DPOP_NOT_BOUND', context)
}
