/*
 * Ways to sign in that need no user in front of a screen: as the client itself, on behalf of a token, by the assertion of an
 * enterprise's identity provider, and with tokens that a login elsewhere got.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { CredentialError, ResponseError } from '../../client/errors.js'
import type { OAuthClient } from '../../client/oauth-client.js'
import { freezeTokenSet, type TokenSet } from '../../client/token-set.js'
import type { TokenSource } from '../../client/token-source.js'
import { GrantTypes, TokenTypes } from '../../client/token-types.js'
import { checkOptions, func, methods, type Rules, required, text } from '../../kit/options.js'
import type { SignIn, SignInRequest } from './sign-in.js'

/**
 * Signs in as the client itself (RFC 6749 §4.4), best with `private_key_jwt`. Needs a confidential client.
 *
 * @group Protected resources
 */
export function clientCredentialsSignIn(): SignIn {
  return Object.freeze<SignIn>({
    metadata: { grant_types: [GrantTypes.clientCredentials] },
    getTokens: ({ client, resource, scope, signal }) =>
      client.clientCredentials({ resource, scope }, { forceRefresh: true, signal }),
  })
}

/** Options of {@link exchangeSignIn}. @group Protected resources */
export interface ExchangeSignInOptions {
  /** The token on whose behalf this client acts, and who acts: asked at every sign-in. */
  readonly subject: () => ExchangeSubject | Promise<ExchangeSubject>
}

/** See {@link ExchangeSignInOptions}. @group Protected resources */
export interface ExchangeSubject {
  readonly token: string
  /** Default: an access token. */
  readonly type?: string | undefined
  /** Who acts for the subject: the answer then has an `act` claim (RFC 8693 §4.1). */
  readonly actor?: { readonly token: string; readonly type: string } | undefined
}

/**
 * Signs in by exchanging a token for one of the resource (RFC 8693): as an agent that acts for a user. Needs a confidential
 * client. Does NOT keep the tokens of several users apart: make one fetch per user, or give `user`.
 *
 * @throws `ConfigurationError` without `subject`.
 * @group Protected resources
 */
export function exchangeSignIn(options: ExchangeSignInOptions): SignIn {
  checkOptions('exchangeSignIn', options, { subject: required(func) } satisfies Rules<ExchangeSignInOptions>)
  return Object.freeze<SignIn>({
    metadata: { grant_types: [GrantTypes.tokenExchange] },
    async getTokens({ client, resource, scope, signal }) {
      const { token: subjectToken, type: subjectTokenType, actor } = await options.subject()
      return client.exchangeToken({ subjectToken, subjectTokenType, actor, resource, scope }, { signal })
    },
  })
}

/** Options of {@link enterpriseSignIn}. @group Protected resources */
export interface EnterpriseSignInOptions {
  /** The client of the enterprise's identity provider, where the user is signed in. */
  readonly identityProvider: Pick<OAuthClient, 'exchangeToken'>
  /** The ID token of the user, or another token that the identity provider takes: asked at every sign-in. */
  readonly subjectToken: () => string | Promise<string>
  /** Default: an ID token. */
  readonly subjectTokenType?: string | undefined
}

const enterpriseRules: Rules<EnterpriseSignInOptions> = {
  identityProvider: required(methods('exchangeToken')),
  subjectToken: required(func),
  subjectTokenType: text,
}

const idJagTyp = 'oauth-id-jag+jwt'

/**
 * Signs in by the identity provider of an enterprise, without a page for the user: it issues an assertion for the
 * authorization server of the resource (ID-JAG), which that server takes for a token (RFC 7523 §2.1). A new assertion is
 * asked for at every sign-in, and none is sent to another server. Needs a confidential client there.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Protected resources
 */
export function enterpriseSignIn(options: EnterpriseSignInOptions): SignIn {
  checkOptions('enterpriseSignIn', options, enterpriseRules)
  const { identityProvider, subjectToken, subjectTokenType = TokenTypes.idToken } = options
  return Object.freeze<SignIn>({
    metadata: { grant_types: [GrantTypes.jwtBearer] },
    async getTokens(request) {
      const { client, issuer, resource, scope, signal } = request
      const exchanged = await identityProvider.exchangeToken(
        {
          ...{ subjectToken: await subjectToken(), subjectTokenType, requestedTokenType: TokenTypes.idJag },
          ...{ audience: issuer, resource, scope },
        },
        { signal },
      )
      await checkAssertion(exchanged, request)
      return client.jwtBearer({ assertion: exchanged.accessToken, resource, scope }, { signal })
    },
  })
}

/** What the server would refuse, and what must not be sent there: an assertion for another server or another client. */
async function checkAssertion({ accessToken, tokenType }: TokenSet, { client, issuer }: SignInRequest): Promise<void> {
  const refuse = (detail: string) =>
    new ResponseError('ERR_ISSUED_TOKEN_TYPE', { operation: 'exchangeToken', issuer, detail })
  if (tokenType !== 'N_A') throw refuse('the token type of an ID-JAG is N_A')
  const { header, claims } = readAssertion(accessToken)
  if (header?.typ !== idJagTyp || claims === undefined) throw refuse('no ID-JAG')
  const { aud, client_id: clientId, cnf } = claims
  if ((Array.isArray(aud) && aud.length === 1 ? aud[0] : aud) !== issuer) throw refuse('for another server')
  if (clientId !== client.clientId) throw refuse('for another client')
  const { jkt } = Object(cnf) as { readonly jkt?: unknown }
  if (jkt !== undefined && jkt !== (await client.dpop?.thumbprint())) throw refuse('bound to another key')
}

function readAssertion(assertion: string) {
  try {
    return { header: decodeProtectedHeader(assertion), claims: decodeJwt(assertion) }
  } catch {
    return {}
  }
}

/** Options of {@link tokensSignIn}. @group Protected resources */
export interface TokensSignInOptions {
  /** Whose tokens these are: no other server's client is given them. */
  readonly issuer: string
  /** The tokens: of a session of `createLogin`, of `createUserTokens`, or of any other source. */
  readonly source: TokenSource
}

/**
 * Uses tokens that a login elsewhere got, such as those of a session of a web application. They go to resources that name
 * this very issuer. Where the resource wants more than they have, the call rejects: send the user to a new login.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Protected resources
 */
export function tokensSignIn(options: TokensSignInOptions): SignIn {
  checkOptions('tokensSignIn', options, {
    issuer: required(text),
    source: required(methods('getToken')),
  } satisfies Rules<TokensSignInOptions>)
  const { issuer: own, source } = options
  let last: TokenSet | undefined
  return Object.freeze<SignIn>({
    metadata: { grant_types: [] },
    needsClient: false,
    async getTokens({ issuer, signal }) {
      if (issuer !== own) throw new CredentialError('ERR_CREDENTIAL_ISSUER', { issuer })
      const tokens = await source.getToken({ signal, rejected: last })
      if (tokens.tokenType !== 'Bearer') throw new ResponseError('ERR_TOKEN_TYPE_UNUSABLE', { issuer })
      last = tokens
      return withoutRefreshToken(tokens)
    },
  })
}

/** The source renews them: a refresh token has one owner. */
function withoutRefreshToken({
  tokenType,
  accessToken,
  expiresAt,
  issuedAt,
  scope,
  issuedTokenType,
}: TokenSet): TokenSet {
  const left = { refreshToken: undefined, refreshExpiresAt: undefined, idToken: undefined, raw: {} }
  return freezeTokenSet({ tokenType, accessToken, expiresAt, issuedAt, scope, issuedTokenType, ...left })
}
