/*
 * The way back: `/callback/<provider>`. Ends the transaction of this browser, whatever came, and begins a session where the
 * answer holds.
 */

import type { OAuthClientError } from '../../client/errors.js'
import { LoginError } from '../../client/login-errors.js'
import { type AuthError, InternalError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { callApplication } from '../../kit/call-application.js'
import { emit } from '../../kit/event-sink.js'
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import type { LoginAccount, LoginResult } from '../login-result.js'
import type { Provider } from '../provider.js'
import type { LoginTransaction } from '../transaction.js'
import { redirectAnswer } from './login-answers.js'
import { failureAnswer, failureOf } from './login-failures.js'
import type { LoginErrorContext } from './login-options.js'
import { recordOf } from './login-session.js'
import type { LoginSettings } from './login-settings.js'
import { checkReturnTo } from './return-to.js'
import type { PreviousSession, Sessions } from './sessions.js'
import { loginUrl } from './start-login.js'
import type { TakenTransaction, TransactionCookies } from './transaction-cookies.js'

/** What the way back is made of. */
export interface FinishSettings {
  readonly settings: LoginSettings
  readonly transactions: TransactionCookies
  readonly sessions: Sessions
}

/** A user who came back, and what this browser began. */
interface Arrival {
  readonly facts: RequestFacts
  readonly provider: Provider
  readonly taken: TakenTransaction | undefined
}

/** Answers `/callback/<provider>`; `parameters` are those of the query, or of the form. */
export function createFinish({ settings, transactions, sessions }: FinishSettings) {
  const { base, routesUrl, claims, absoluteSeconds, clock, onEvent } = settings

  const homeUrl = (returnTo: string | undefined) => base.origin + (checkReturnTo(returnTo, base) ?? '/')

  async function additionOf(
    provider: string,
    result: LoginResult,
    previous: PreviousSession | undefined,
    request: RequestFacts,
  ): Promise<JsonObject> {
    const { onLogin } = settings
    if (onLogin === undefined) return {}
    const context = { provider, previous: previous?.session, request }
    const data = (await callApplication('onLogin', () => onLogin(result, context)))?.data ?? {}
    if (isJsonObject(data)) return data
    throw new InternalError(new TypeError('`data` of `onLogin` takes an object'), 'onLogin')
  }

  /** The session of this browser: its cookies stay away from an answer that another site posts. */
  async function previousOf(facts: RequestFacts, note: string | undefined): Promise<PreviousSession | undefined> {
    const found = await sessions.find(facts)
    return found === undefined && note !== undefined ? sessions.recall(note) : found
  }

  /** The session of a login that held, and where the user goes. The one before ends: its id may be known to others. */
  async function begin(
    facts: RequestFacts,
    provider: Provider,
    result: LoginResult,
    asked: LoginTransaction,
    note: string | undefined,
  ): Promise<{ readonly cookies: readonly string[]; readonly url: string }> {
    const previous = await previousOf(facts, note)
    const data = await additionOf(provider.name, result, previous, facts)
    const nowSeconds = Math.floor(clock() / 1000)
    const about = { kept: claims, data, asked, nowSeconds, seconds: absoluteSeconds }
    const record = recordOf(provider.name, result, about)
    const cookies = await sessions.begin(record)
    await sessions.tokensOf(record)?.set(result.tokens, { account: result.account })
    if (previous === undefined) return { cookies, url: homeUrl(asked.returnTo) }
    const isSame = isSameAccount(previous.record.account, result.account)
    // Those of the same user are not revoked: at many servers that ends what was just issued, too.
    await sessions.end(previous, 'replaced', !isSame)
    // The page that asked for a better login asked it of the user who was there.
    const isStepUp = asked.acrValues !== undefined || asked.maxAgeSeconds !== undefined
    return { cookies, url: homeUrl(isStepUp && !isSame ? undefined : asked.returnTo) }
  }

  /** Where `onError` sends the user; `undefined` for the page of ours. */
  async function redirectOf(error: unknown, context: LoginErrorContext): Promise<string | undefined> {
    const { onError } = settings
    if (onError === undefined) return undefined
    const answer = await callApplication('onError', () => onError(error as OAuthClientError | AuthError, context))
    const redirectTo = answer?.redirectTo
    if (redirectTo === undefined) return undefined
    const path = checkReturnTo(redirectTo, base)
    if (path !== undefined) return base.origin + path
    throw new InternalError(new TypeError('`redirectTo` of `onError` takes a path of the application'), 'onError')
  }

  /** @throws what is a fault of the application. */
  async function refuse(error: unknown, { facts, provider, taken }: Arrival): Promise<HttpAnswer> {
    const failure = failureOf(error)
    if (failure === undefined) throw error
    const cookies = taken?.cookies ?? []
    const returnTo = checkReturnTo(taken?.transaction?.returnTo, base)
    const url = await redirectOf(error, { provider: provider.name, returnTo, request: facts })
    if (url !== undefined) return redirectAnswer(url, cookies)
    const againUrl = loginUrl(routesUrl, provider.name, { returnTo })
    return failureAnswer(facts, { ...failure, againUrl }, cookies)
  }

  /** Nothing of this browser to hold the answer to: the login of another one, an old page, or a user who went back. */
  async function withoutTransaction(arrival: Arrival): Promise<HttpAnswer> {
    const { facts, provider, taken } = arrival
    const found = await sessions.find(facts)
    if (found?.record.provider === provider.name) return redirectAnswer(homeUrl(undefined), taken?.cookies)
    const code = 'ERR_LOGIN_TRANSACTION'
    emit(onEvent, { type: 'login.failed', provider: provider.name, issuer: provider.issuer ?? provider.name, code })
    return refuse(new LoginError(code), arrival)
  }

  return async (facts: RequestFacts, provider: Provider, parameters: URLSearchParams): Promise<HttpAnswer> => {
    const taken = await transactions.take(facts, parameters.get('state') ?? '')
    const arrival = { facts, provider, taken }
    const transaction = taken?.transaction
    if (transaction === undefined || transaction.expiresAt * 1000 <= clock()) return withoutTransaction(arrival)
    try {
      const result = await provider.redeem(parameters, transaction)
      const { cookies, url } = await begin(facts, provider, result, transaction, taken?.previous)
      return redirectAnswer(url, [...transactions.clear(facts), ...cookies])
    } catch (error) {
      return refuse(error, arrival)
    }
  }
}

function isSameAccount(one: LoginAccount, other: LoginAccount): boolean {
  return one.issuer === other.issuer && one.subject === other.subject
}
