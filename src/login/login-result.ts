/*
 * How a login ends: the transaction, the tokens, the rules of the preset, userinfo, and who the user is. Starts no session.
 */
import type { CallOptions } from '../client/client-options.js'
import { ClientCallError, isOAuthClientError, type OAuthClientError } from '../client/errors.js'
import type { IdTokenClaims } from '../client/id-token.js'
import { LoginError } from '../client/login-errors.js'
import type { OAuthClient } from '../client/oauth-client.js'
import type { TokenSet } from '../client/token-set.js'
import type { ClientErrorCode } from '../errors/index.js'
import { createBoundedCache } from '../kit/bounded-cache.js'
import { emit } from '../kit/event-sink.js'
import { type JsonObject, ownMember } from '../kit/json.js'
import type { ProviderSettings } from './provider-options.js'
import { isTransaction, type LoginTransaction } from './transaction.js'

/** A user at one issuer. Never made of e-mail addresses and names: others can take them over. @group Login */
export interface LoginAccount {
  readonly issuer: string
  readonly subject: string
}

/** A login that succeeded. Frozen. @group Login */
export interface LoginResult {
  readonly tokens: TokenSet
  /** What the ID token says, verified; `undefined` for `oauth2` providers. */
  readonly claims: IdTokenClaims | undefined
  /** What userinfo says; `undefined` where it was not asked. */
  readonly userInfo: JsonObject | undefined
  /** Who the user is: the one thing to keep anything under. */
  readonly account: LoginAccount
}

/** The ways a login ends at one provider. */
export interface LoginEnds {
  redeem(
    callback: URL | URLSearchParams | string,
    transaction: LoginTransaction,
    call: CallOptions | undefined,
  ): Promise<LoginResult>
  /** Of a login that got its tokens another way: tells of it, too. */
  finish(
    login: () => Promise<{ readonly tokens: TokenSet; readonly claims: IdTokenClaims | undefined }>,
    call: CallOptions | undefined,
  ): Promise<LoginResult>
}

/** How many transactions of the last minutes are remembered as spent. The server refuses codes that came before. */
const maxSpent = 10_000

/** Failures before the code was sent: whoever this was, the login of the user can go on. */
const unspent: ReadonlySet<ClientErrorCode> = new Set<ClientErrorCode>([
  'ERR_CLIENT_ARGUMENT',
  'ERR_LOGIN_STATE',
  'ERR_LOGIN_ISSUER',
  'ERR_LOGIN_RESPONSE',
  'ERR_DISCOVERY_UNAVAILABLE',
])

/** See {@link LoginEnds}. */
export function createLoginEnds(settings: ProviderSettings, client: OAuthClient): LoginEnds {
  const { name, label, type, preset } = settings
  const { onEvent, clock = Date.now } = settings.client
  const spent = createBoundedCache<true>(maxSpent)
  const context = { operation: 'exchangeCode', issuer: label } as const

  function checkTransaction(transaction: LoginTransaction): void {
    const refuse = (detail: string) => new LoginError('ERR_LOGIN_TRANSACTION', { ...context, detail })
    if (!isTransaction(Object(transaction)))
      throw new ClientCallError('ERR_CLIENT_ARGUMENT', {
        ...context,
        message: 'redeem takes the `transaction` of authorizationRequest().',
      })
    const { provider, issuer, clientId } = transaction
    if (provider !== name || issuer !== label || clientId !== client.clientId) throw refuse('of another provider')
    if (transaction.expiresAt * 1000 <= clock()) throw refuse('expired')
    if (spent.get(transaction.id)) throw refuse('redeemed before')
  }

  async function complete(
    tokens: TokenSet,
    claims: IdTokenClaims | undefined,
    call: CallOptions | undefined,
  ): Promise<LoginResult> {
    if (claims !== undefined) preset.checkClaims?.(claims)
    const userInfo = settings.fetchUserInfo === false ? undefined : await askUserInfo(tokens, claims?.sub, call)
    const subject = type === 'oidc' ? claims?.sub : subjectIn(userInfo, settings.subject)
    if (subject === undefined) throw new LoginError('ERR_LOGIN_SUBJECT', context)
    const account = Object.freeze({ issuer: claims?.iss ?? label, subject })
    return Object.freeze({ tokens, claims, userInfo, account })
  }

  async function askUserInfo(tokens: TokenSet, expectedSubject: string | undefined, call: CallOptions | undefined) {
    try {
      return await client.userInfo(tokens.accessToken, { ...call, expectedSubject })
    } catch (error) {
      // An answer about another user is not a failure to pass over.
      if (settings.fetchUserInfo === 'optional' && !(error instanceof LoginError)) return undefined
      throw error
    }
  }

  async function finish(
    login: () => Promise<{ readonly tokens: TokenSet; readonly claims: IdTokenClaims | undefined }>,
    call: CallOptions | undefined,
  ): Promise<LoginResult> {
    try {
      const { tokens, claims } = await login()
      const result = await complete(tokens, claims, call)
      emit(onEvent, { type: 'login.completed', provider: name, issuer: label })
      return result
    } catch (error) {
      emit(onEvent, { type: 'login.failed', provider: name, issuer: label, code: (error as OAuthClientError).code })
      throw error
    }
  }

  return {
    finish,
    redeem: (callback, transaction, call) =>
      finish(async () => {
        checkTransaction(transaction)
        spent.set(transaction.id, true)
        try {
          return await client.exchangeCode({ callback, request: transaction }, call)
        } catch (error) {
          if (isOAuthClientError(error) && unspent.has(error.code)) spent.delete(transaction.id)
          throw error
        }
      }, call),
  }
}

/** A user's identifier as text: vendors without OpenID Connect have numbers. */
function subjectIn(userInfo: JsonObject | undefined, member: string): string | undefined {
  const value = userInfo && ownMember(userInfo, member)
  if (Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && value !== '' && value.length <= 255 ? value : undefined
}
