import type { GrantedToken } from '../auth/access-context.js'
import { hideSecrets } from '../kit/hidden.js'
import type { ExchangedToken } from './grant-client.js'
import { UnusableTokenError } from './grant-errors.js'
import type { GrantKeyParts } from './grant-key.js'

/** RFC 6749 appendix A.12: anything else would not fit into a header field. */
const sendable = /^[\x20-\x7e]+$/

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Holds the answer to an exchange to what was asked for (RFC 8693 §2.2.1): type, scope, binding, and that it is not the
 * caller's own token. Does NOT look into the token: that is for the service it is meant for.
 *
 * @throws {@link UnusableTokenError}
 */
export function checkGranted(token: ExchangedToken, request: GrantKeyParts): GrantedToken {
  const { accessToken, tokenType, issuedTokenType, scope, expiresAt } = token
  const problem = problems(token, request).find(([isThere]) => isThere)
  if (problem !== undefined) throw new UnusableTokenError(problem[1])
  return redacted({ accessToken, tokenType, expiresAt, scope, issuedTokenType: issuedTokenType as string })
}

function problems(token: ExchangedToken, { auth, grant, client }: GrantKeyParts): [isThere: boolean, text: string][] {
  const { accessToken, tokenType, issuedTokenType, scope } = token
  const { requestedTokenType = accessTokenType } = grant
  const isAsRequested = grant.requestedTokenType === undefined || issuedTokenType === requestedTokenType
  const isWide = grant.allowNarrowerScope || grant.scope.every((needed) => scope.includes(needed))
  const isBound = tokenType === 'DPoP'
  return [
    [issuedTokenType === undefined, 'issued_token_type is missing'],
    [!isAsRequested, 'issued_token_type is not the requested one'],
    [tokenType === 'N_A' && requestedTokenType === accessTokenType, 'the token is no access token'],
    [tokenType === 'Bearer' && client.dpop !== undefined, 'the token is not bound to the proof key'],
    [isBound && client.dpop === undefined, 'the token is bound, and there is no proof key'],
    [!isWide, 'the granted scope is narrower than asked for'],
    [!sendable.test(accessToken), 'the token has characters that no token has'],
    [accessToken === auth.token, 'the token is the very one to be exchanged'],
  ]
}

/** A token whose secret shows in no inspection. */
export function redacted({ accessToken, ...shown }: GrantedToken): GrantedToken {
  return hideSecrets(shown, { accessToken })
}
