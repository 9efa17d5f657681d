import type { Configuration, DPoPOptions } from 'openid-client'
import type { JsonObject } from '../../lib/json.js'
import { DpopError, ResponseError } from '../errors.js'
import type { ClientOperation } from '../events.js'
import type { CallOptions } from '../options.js'
import type { RetryRule } from '../retry-rule.js'
import type { CallAttempt } from '../run-call.js'
import { callEndpoint, type Runtime } from '../runtime.js'
import { createTokenSet, type TokenSet } from '../token-set.js'
import { TokenTypes } from '../token-types.js'

/** One request to the token endpoint. */
export interface TokenRequest {
  readonly operation: ClientOperation
  readonly retry: RetryRule
  readonly requestedScope: readonly string[]
  readonly requestedTokenType?: string | undefined
  readonly previousRefreshToken?: string | undefined
  /** The grant, by `openid-client`. */
  send(config: Configuration, dpop: DPoPOptions): Promise<unknown>
}

/** Sends a token request and builds the {@link TokenSet}; refuses a token that is not bound as it must be. */
export function requestToken(
  runtime: Runtime,
  request: TokenRequest,
  options: CallOptions | undefined,
): Promise<TokenSet> {
  const call = { operation: request.operation, retry: request.retry, endpoint: 'token', expectsJson: true } as const
  return callEndpoint(runtime, call, options, async (config, attempt) => {
    const handle = await runtime.dpop.handle(config)
    await request.send(config, handle === undefined ? {} : { DPoP: handle })
    const tokens = createTokenSet({
      raw: attempt.answer?.json as JsonObject,
      clock: runtime.settings.clock,
      requestedScope: request.requestedScope,
      previousRefreshToken: request.previousRefreshToken,
    })
    checkBinding(tokens, handle !== undefined, request.requestedTokenType, attempt)
    return tokens
  })
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
