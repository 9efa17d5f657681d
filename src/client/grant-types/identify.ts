/*
 * Who the tokens of a token endpoint belong to: the ID token among them, at a login and at a refresh.
 */
import { InvalidTokenError, UnavailableError } from '../../errors/index.js'
import { type LogoutToken, verifyLogoutToken } from '../../issuer/logout-token.js'
import { readCompactJws } from '../../jws/compact-jws.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import { isStringArray, type JsonObject, ownMember } from '../../kit/json.js'
import { integer, type Rules, text, texts } from '../../kit/options.js'
import { withTimeLimit } from '../../kit/time-limit.js'
import { beginCall, checkParams, identityOf, type Runtime } from '../calls/call-endpoint.js'
import { type Call, contextOf, withinCall } from '../calls/run-call.js'
import type { CallOptions } from '../client-options.js'
import { DiscoveryError, ResponseError } from '../errors.js'
import {
  acceptedAlgorithms,
  type IdTokenClaims,
  type IdTokenExpectations,
  type IdTokenSettings,
  keysUnavailable,
  readIdTokenClaims,
  verifyIdToken,
} from '../id-token.js'
import { IdTokenError, LoginError } from '../login-errors.js'
import { signedText } from '../signed-text.js'
import { identifiedTokens, type TokenSet } from '../token-set.js'
import { requireToken } from './token-request.js'

/** The tokens of a user, and who it is. Frozen. @group Authorization requests */
export interface IdentifiedTokens {
  readonly tokens: TokenSet
  /** What the ID token says, verified; `undefined` where `openid` was not asked for. */
  readonly claims: IdTokenClaims | undefined
}

const expectationRules: Rules<IdTokenExpectations> = {
  nonce: text,
  maxAgeSeconds: integer(0),
  acrValues: texts,
  accessToken: text,
  code: text,
}

/** See {@link OAuthClient.verifyIdToken}. */
export async function checkIdToken(
  runtime: Runtime,
  idToken: string,
  expected: IdTokenExpectations,
  options: CallOptions | undefined,
): Promise<IdTokenClaims> {
  const call = beginCall(runtime, 'verifyIdToken', options)
  requireToken(call, 'idToken', idToken)
  checkParams(call, expected, expectationRules)
  return withinCall(runtime, call, () => verify(runtime, call, idToken, expected))
}

/** See {@link OAuthClient.verifyLogoutToken}. */
export async function checkLogoutToken(
  runtime: Runtime,
  text: string,
  options: CallOptions | undefined,
): Promise<LogoutToken> {
  const call = beginCall(runtime, 'verifyLogoutToken', options)
  requireToken(call, 'logoutToken', text)
  return withinCall(runtime, call, async () => {
    const { settings, keys, isIssuer } = runtime
    const { metadata } = await runtime.openid('id_token_signing_alg_values_supported')
    const { clientId } = await identityOf(runtime, call)
    const { clockToleranceSeconds = 60 } = settings.idToken
    try {
      const jws = readCompactJws(await signedText(text, settings.idToken))
      const issuer = jws && ownMember(jws.payload, 'iss')
      if (jws === undefined || typeof issuer !== 'string' || !isIssuer(issuer, jws.payload)) {
        throw new InvalidTokenError('ERR_TOKEN_ISSUER')
      }
      const rules = {
        issuer,
        algorithms: new Set(acceptedAlgorithms(metadata, settings.idToken)),
        keys,
        clockToleranceMs: clockToleranceSeconds * 1000,
        audiences: [clientId],
        expMayLack: settings.optionalLogoutClaims.includes('exp'),
      }
      return Object.freeze(await verifyLogoutToken(jws, rules, settings.clock()))
    } catch (error) {
      if (error instanceof UnavailableError) throw keysUnavailable(error)
      const { code, detail = '' } = error as InvalidTokenError | IdTokenError
      throw new LoginError('ERR_LOGOUT_TOKEN', {
        ...contextOf(call),
        detail: `${code} ${detail}`.trim(),
        cause: error as Error,
      })
    }
  })
}

/** Has the keys of the server at hand. @throws {@link DiscoveryError} where they cannot be had. */
export async function haveKeys({ keys, openid }: Runtime): Promise<void> {
  await openid('id_token_signing_alg_values_supported')
  try {
    await keys.warmUp()
  } catch (error) {
    throw keysUnavailable(error)
  }
}

/**
 * Finds out who the tokens of a login belong to.
 *
 * @throws {@link IdTokenError} `ERR_ID_TOKEN_MISSING`, and whatever the ID token fails with.
 */
export async function identify(
  runtime: Runtime,
  call: Call,
  tokens: TokenSet,
  expected: IdTokenExpectations,
): Promise<IdentifiedTokens> {
  const idToken = idTokenOf(tokens, call)
  if (idToken === undefined) throw new IdTokenError('ERR_ID_TOKEN_MISSING', contextOf(call))
  const claims = await verify(runtime, call, idToken, { ...expected, accessToken: tokens.accessToken })
  return Object.freeze({ tokens: identifiedTokens(tokens, idToken), claims })
}

/** The part of the time left that keys may take: the rest is for the tokens to reach the caller. */
const shareForKeys = 0.9

/**
 * Holds the ID token of a refresh against the one before (OpenID Connect Core §12.2). The refresh token is spent by now:
 * where the keys cannot be had in the time of the call, the new ID token is compared and left out, and the old one stays.
 *
 * @throws {@link IdTokenError}: the answer must not be used, and the session must end.
 */
export async function identifyAgain(
  runtime: Runtime,
  call: Call,
  tokens: TokenSet,
  previousIdToken: string,
): Promise<TokenSet> {
  const idToken = idTokenOf(tokens, call)
  if (idToken === undefined) return tokens
  const { idToken: options, monotonicClock } = runtime.settings
  const before = await readIdTokenClaims(previousIdToken, options)
  const isSameLogin = (claims: JsonObject | undefined): boolean =>
    before !== undefined && claims !== undefined && comparedOf(before, claims) === comparedOf(claims, before)
  if (!isSameLogin(await readIdTokenClaims(idToken, options))) {
    throw new IdTokenError('ERR_ID_TOKEN_SUBJECT_CHANGED', contextOf(call))
  }
  const limitMs = shareForKeys * (call.deadlineMs - monotonicClock())
  try {
    await withTimeLimit(limitMs, () => verify(runtime, call, idToken, { accessToken: tokens.accessToken }))
    return identifiedTokens(tokens, idToken)
  } catch (error) {
    if (error instanceof DiscoveryError || error instanceof FetchFailure) return tokens
    throw error
  }
}

/** What must not change, as text; `auth_time` where both have it. */
function comparedOf(claims: JsonObject, other: JsonObject): string {
  const aud = ownMember(claims, 'aud')
  const audiences = isStringArray(aud) ? [...aud].sort() : [aud]
  const authTime = ownMember(other, 'auth_time') === undefined ? undefined : ownMember(claims, 'auth_time')
  return JSON.stringify([ownMember(claims, 'iss'), ownMember(claims, 'sub'), audiences, authTime])
}

function idTokenOf(tokens: TokenSet, call: Call): string | undefined {
  const idToken = ownMember(tokens.raw, 'id_token')
  if (idToken === undefined || (typeof idToken === 'string' && idToken !== '')) return idToken
  throw new ResponseError('ERR_RESPONSE_MALFORMED', contextOf(call))
}

async function verify(
  runtime: Runtime,
  call: Call,
  idToken: string,
  expected: IdTokenExpectations,
): Promise<IdTokenClaims> {
  return verifyIdToken(idToken, expected, await idTokenSettings(runtime, call))
}

/** How this client judges what the server signed for it. */
export async function idTokenSettings(runtime: Runtime, call: Call): Promise<IdTokenSettings> {
  const { settings, keys, isIssuer } = runtime
  const { metadata } = await runtime.openid('id_token_signing_alg_values_supported')
  const { clientId } = await identityOf(runtime, call)
  return {
    clientId,
    keys,
    metadata,
    isIssuer: (claims) => isIssuer(ownMember(claims, 'iss'), claims),
    options: settings.idToken,
    nowMs: settings.clock(),
  }
}
