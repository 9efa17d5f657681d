/*
 * The way out: `/login` and `/login/<provider>`. Sends the browser to the provider with one cookie more.
 */
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { emit } from '../../kit/event-sink.js'
import type { LoginParams, Provider } from '../provider.js'
import { escapeHtml, isNavigation, jsonAnswer, pageAnswer, redirectAnswer, wantsPage } from './login-answers.js'
import { failureAnswer } from './login-failures.js'
import type { Limiter } from './login-limit.js'
import type { LoginSettings } from './login-settings.js'
import { checkReturnTo } from './return-to.js'
import type { Sessions } from './sessions.js'
import type { TransactionCookies } from './transaction-cookies.js'

/** The URL of `/login` with what it should know. */
export function loginUrl(
  routesUrl: string,
  provider: string | undefined,
  about: {
    readonly returnTo?: string | undefined
    readonly acrValues?: readonly string[] | undefined
    readonly maxAgeSeconds?: number | undefined
  },
): string {
  const url = new URL(provider === undefined ? `${routesUrl}/login` : `${routesUrl}/login/${provider}`)
  const { returnTo, acrValues, maxAgeSeconds } = about
  if (returnTo !== undefined && returnTo !== '/') url.searchParams.set('returnTo', returnTo)
  if (acrValues !== undefined) url.searchParams.set('acr_values', acrValues.join(' '))
  if (maxAgeSeconds !== undefined) url.searchParams.set('max_age', String(maxAgeSeconds))
  return url.href
}

const maxHintLength = 256
const maxAcrLength = 512
const prompts = ['none', 'login', 'consent', 'select_account', 'create']

/** What the query asks for; `undefined` where a parameter cannot be right. */
function readQuery(query: URLSearchParams): Omit<LoginParams, 'redirectUri' | 'returnTo'> | undefined {
  const [prompt, loginHint, maxAge, acr] = ['prompt', 'login_hint', 'max_age', 'acr_values'].map(
    (name) => query.get(name) ?? undefined,
  )
  const isRight =
    (prompt === undefined || prompt.split(' ').every((one) => prompts.includes(one))) &&
    (loginHint === undefined || (loginHint !== '' && loginHint.length <= maxHintLength)) &&
    (maxAge === undefined || /^\d{1,8}$/.test(maxAge)) &&
    (acr === undefined || (/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(acr) && acr.length <= maxAcrLength))
  if (!isRight) return undefined
  return {
    prompt,
    loginHint,
    maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge),
    acrValues: acr?.split(' '),
  }
}

/** What the way out is made of. */
export interface StartSettings {
  readonly settings: LoginSettings
  readonly transactions: TransactionCookies
  readonly sessions: Sessions
  readonly limiter: Limiter | undefined
}

/** Answers `/login`. `provider` is `undefined` where the path names none. */
export function createStart({ settings, transactions, sessions, limiter }: StartSettings) {
  const { base, routesUrl, providers, responseMode, clock, onEvent } = settings
  const sameSite = responseMode === 'form_post' && settings.secure ? 'None' : 'Lax'

  async function send(facts: RequestFacts, provider: Provider, query: URLSearchParams): Promise<HttpAnswer> {
    const asked = readQuery(query)
    if (asked === undefined) {
      return failureAnswer(facts, {
        status: 400,
        error: 'invalid_request',
        title: 'The login did not start',
        sentence: 'A parameter of the address cannot be right.',
        againUrl: loginUrl(routesUrl, provider.name, {}),
      })
    }
    const wait = limiter?.(facts, clock())
    if (wait !== undefined) {
      emit(onEvent, { type: 'login.limited', provider: provider.name })
      return failureAnswer(facts, {
        status: 429,
        error: 'rate_limited',
        title: 'Too many logins',
        sentence: 'Please wait a minute before you try again.',
        headers: { 'Retry-After': String(wait) },
      })
    }
    const redirectUri = `${routesUrl}/callback/${provider.name}`
    const isPosted = responseMode === 'form_post'
    const mode = isPosted ? { responseMode } : {}
    const found = isPosted ? await sessions.find(facts) : undefined
    const begin = (returnTo: string) => provider.authorizationRequest({ ...asked, ...mode, redirectUri, returnTo })
    const { url, transaction } = await begin(checkReturnTo(query.get('returnTo'), base) ?? '/')
    return redirectAnswer(
      url,
      await transactions.keep(facts, transaction, { sameSite, previous: found && sessions.note(found) }),
    )
  }

  function choose(facts: RequestFacts, query: URLSearchParams): HttpAnswer {
    const returnTo = checkReturnTo(query.get('returnTo'), base)
    const links = [...providers.keys()].map((name) => ({ name, url: loginUrl(routesUrl, name, { returnTo }) }))
    if (!wantsPage(facts)) return jsonAnswer(200, { providers: links })
    const items = links.map(
      ({ name, url }) => `<li><a class="b" href="${escapeHtml(url)}">${escapeHtml(name)}</a></li>`,
    )
    return pageAnswer(200, { kind: 'providers', title: 'Sign in with', main: `<ul>\n${items.join('\n')}\n</ul>` })
  }

  return async (facts: RequestFacts, provider: Provider | undefined, query: URLSearchParams): Promise<HttpAnswer> => {
    // A page fetched ahead of time, or by a script, is not a login that a user has begun.
    if (!isNavigation(facts) && !isSilent(facts)) return jsonAnswer(401, { error: 'login_required' })
    const [only] = providers.size === 1 ? providers.values() : []
    const chosen = provider ?? only
    return chosen === undefined ? choose(facts, query) : send(facts, chosen, query)
  }
}

/** A program that does as it is told, and says nothing of itself: neither a browser of today, nor a prefetch. */
function isSilent(facts: RequestFacts): boolean {
  const told = ['sec-fetch-mode', 'sec-purpose', 'purpose', 'next-router-prefetch']
  return told.every((name) => facts.headerValues(name).length === 0)
}
