/*
 * The way back: `/callback/<provider>`. Ends the transaction of this browser, whatever came, and begins a session where the
 * answer holds.
 */

import { InternalError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { callApplication } from '../../kit/call-application.js'
import { emit } from '../../kit/event-sink.js'
import { isJsonObject, type JsonObject } from '../../kit/json.js'
import type { LoginResult } from '../login-result.js'
import type { Provider } from '../provider.js'
import type { LoginTransaction } from '../transaction.js'
import { redirectAnswer } from './login-answers.js'
import { failureAnswer, failureOf } from './login-failures.js'
import { recordOf } from './login-session.js'
import type { LoginSettings } from './login-settings.js'
import { checkReturnTo } from './return-to.js'
import type { FoundSession, Sessions } from './sessions.js'
import { loginUrl } from './start-login.js'
import type { TakenTransaction, TransactionCookies } from './transaction-cookies.js'

/** What the way back is made of. */
export interface FinishSettings {
  readonly settings: LoginSettings
  readonly transactions: TransactionCookies
  readonly sessions: Sessions
}

/** Answers `/callback/<provider>`; `parameters` are those of the query, or of the form. */
export function createFinish({ settings, transactions, sessions }: FinishSettings) {
  const { base, routesUrl, claims, absoluteSeconds, clock, onEvent } = settings

  const homeUrl = (returnTo: string | undefined) => base.origin + (checkReturnTo(returnTo, base) ?? '/')

  async function additionOf(
    provider: string,
    result: LoginResult,
    previous: FoundSession | undefined,
    request: RequestFacts,
  ): Promise<JsonObject> {
    const { onLogin } = settings
    if (onLogin === undefined) return {}
    const context = { provider, previous: previous?.session, request }
    const data = (await callApplication('onLogin', () => onLogin(result, context)))?.data ?? {}
    if (isJsonObject(data)) return data
    throw new InternalError(new TypeError('`data` of `onLogin` takes an object'), 'onLogin')
  }

  /** The session of a login that held. The one before ends: its id may be known to others. */
  async function begin(
    facts: RequestFacts,
    provider: Provider,
    result: LoginResult,
    asked: LoginTransaction,
  ): Promise<readonly string[]> {
    const previous = await sessions.find(facts)
    const data = await additionOf(provider.name, result, previous, facts)
    const nowSeconds = Math.floor(clock() / 1000)
    const about = { kept: claims, data, asked, nowSeconds, seconds: absoluteSeconds }
    const record = recordOf(provider.name, result, about)
    const cookies = await sessions.begin(record, previous)
    await sessions.tokensOf(record)?.set(result.tokens, { account: result.account })
    // Not revoked: at many servers that ends what was just issued, too.
    if (previous !== undefined) await sessions.end(previous, 'replaced', false)
    return cookies
  }

  /** Nothing of this browser to hold the answer to: the login of another one, an old page, or a user who went back. */
  async function withoutTransaction(
    facts: RequestFacts,
    provider: Provider,
    taken: TakenTransaction | undefined,
  ): Promise<HttpAnswer> {
    const cookies = taken?.cookies ?? []
    const found = await sessions.find(facts)
    if (found?.record.provider === provider.name) return redirectAnswer(homeUrl(undefined), cookies)
    const code = 'ERR_LOGIN_TRANSACTION'
    emit(onEvent, { type: 'login.failed', provider: provider.name, issuer: provider.issuer ?? provider.name, code })
    return failureAnswer(
      facts,
      {
        status: 400,
        error: 'login_failed',
        title: 'Please start again',
        sentence: 'This login was not started in this browser, was finished before, or took too long.',
        code,
        againUrl: loginUrl(routesUrl, provider.name, {}),
      },
      cookies,
    )
  }

  return async (facts: RequestFacts, provider: Provider, parameters: URLSearchParams): Promise<HttpAnswer> => {
    const taken = await transactions.take(facts, parameters.get('state') ?? '')
    const transaction = taken?.transaction
    const isOver = transaction === undefined || transaction.expiresAt * 1000 <= clock()
    if (taken === undefined || isOver) return withoutTransaction(facts, provider, taken)
    try {
      const result = await provider.redeem(parameters, transaction)
      const cookies = await begin(facts, provider, result, transaction)
      return redirectAnswer(homeUrl(transaction.returnTo), [...transactions.clear(facts), ...cookies])
    } catch (error) {
      const failure = failureOf(error)
      if (failure === undefined) throw error
      const returnTo = checkReturnTo(transaction.returnTo, base)
      const againUrl = loginUrl(routesUrl, provider.name, { returnTo })
      return failureAnswer(facts, { ...failure, againUrl }, taken.cookies)
    }
  }
}
