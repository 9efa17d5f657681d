/*
 * Web login: the routes, and the guards that ask for a session. Knows no framework: the adapters' `loginRoutes` and
 * `requireLogin` mount what it makes.
 */

import { isOAuthClientError } from '../../client/errors.js'
import { ConfigurationError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { checkOptions, choice, integer, type Rules, takes, text, texts } from '../../kit/options.js'
import type { ReauthenticationRequiredError } from '../reauthentication-required-error.js'
import { askToSignIn, demandOf, type LoginRequirement, meets } from './ask-to-sign-in.js'
import { isSameOrigin, laidOut } from './login-answers.js'
import { failureAnswer, failureOf } from './login-failures.js'
import type { LoginOptions } from './login-options.js'
import { createRoutes, crossSiteAnswer, type ReadForm } from './login-routes.js'
import type { LoginSession } from './login-session.js'
import { toLoginSettings } from './login-settings.js'
import { checkReturnTo } from './return-to.js'
import { noCookies } from './session-keeper.js'
import { createSessions, type FoundSession } from './sessions.js'

/** A request that may go on, and the fields that its answer needs. @group Web login */
export interface LoginAccepted<Found> {
  readonly ok: true
  readonly login: Found
  readonly headers: HttpAnswer['headers']
}

/** A request that is answered already. @group Web login */
export interface LoginRefused {
  readonly ok: false
  readonly answer: HttpAnswer
}

/**
 * Judges a request by its session. Where the store does not answer, that is 503. Gives no promise where nothing has to
 * wait; never throws, and rejects with a fault of the application alone.
 *
 * @group Web login
 */
export type LoginGuard<Found> = (facts: RequestFacts) => MaybePromise<LoginAccepted<Found> | LoginRefused>

/** Web login of one application. Made by {@link createLogin}. Functions can be taken off the object. @group Web login */
export interface Login {
  /**
   * Answers the requests below `basePath`; `undefined`, at once, for any other. `readForm` reads the body of a login that is
   * posted, where nothing parsed it.
   *
   * @throws a fault of the application: what `onLogin` threw, with status 500 and its cause.
   */
  handle(facts: RequestFacts, readForm?: ReadForm): Promise<HttpAnswer> | undefined
  /**
   * The session of a request. A cookie that is none of ours is as if it were not there.
   *
   * @throws `UnavailableError` where the store does not answer.
   */
  session(facts: RequestFacts): Promise<LoginSession | undefined>
  /**
   * Makes a guard that demands a session: a page is sent to the login and comes back, anything else gets 401 and JSON.
   * Refuses what another origin sends with the user's cookies, methods other than GET, HEAD and OPTIONS, and handshakes of
   * WebSockets: 403.
   *
   * @throws `ConfigurationError` for a requirement that cannot be right, at once.
   */
  guard(requirement?: LoginRequirement): LoginGuard<LoginSession>
  /** As {@link Login.guard}, but a request without a session passes, `login` undefined. */
  optionalGuard(): LoginGuard<LoginSession | undefined>
  /**
   * The answer to a `ReauthenticationRequiredError` that `session.fetch` or `session.tokens` rejected with: a page goes to
   * the login, asking for what the service wants (RFC 9470), anything else gets 401 and JSON, and 403 where the login just
   * before asked for the same. `undefined` for any other error.
   */
  refusal(facts: RequestFacts, error: unknown): Promise<HttpAnswer | undefined>
}

const rules: Rules<LoginRequirement> = {
  provider: text,
  acrValues: texts,
  maxAgeSeconds: integer(1),
  returnTo: takes(isReturnTo, '`here`, or a path of the application'),
  onApi: choice('401', 'redirect'),
}

/**
 * Makes the login of a web application. Mount its routes with `loginRoutes(login)` of your framework's adapter, and guard
 * with `requireLogin(login)`. The providers are yours to close.
 *
 * @throws `ConfigurationError` with a sentence that says what to write instead.
 * @group Web login
 */
export function createLogin(options: LoginOptions): Login {
  const settings = toLoginSettings(options)
  const sessions = createSessions(settings)

  const routes = createRoutes(settings, sessions)
  const themed = (answer: HttpAnswer) => laidOut(answer, settings.pages)

  type Decide = (facts: RequestFacts, found: FoundSession | undefined) => HttpAnswer | undefined

  type Judgement<Found> = LoginAccepted<Found> | LoginRefused

  function judge<Found>(facts: RequestFacts, decide: Decide): MaybePromise<Judgement<Found>> {
    if (!isSafe(facts) && !isSameOrigin(facts, settings.base.origin, false)) {
      return refused(crossSiteAnswer(facts))
    }
    return whenReady(sessions.find(facts), (found) => {
      const answer = decide(facts, found)
      if (answer !== undefined) return refused(answer)
      const cookies = found?.cookies ?? noCookies
      const headers = cookies.length === 0 ? privately : { ...privately, 'Set-Cookie': cookies }
      return { ok: true, login: found?.session as Found, headers }
    })
  }

  function refused(answer: HttpAnswer): LoginRefused {
    return { ok: false, answer: themed(answer) }
  }

  async function unable(facts: RequestFacts, error: unknown): Promise<LoginRefused> {
    return refused(unableAnswer(facts, error))
  }

  function guardBy<Found>(decide: Decide): LoginGuard<Found> {
    return (facts) => {
      try {
        const judged = judge<Found>(facts, decide)
        return judged instanceof Promise ? judged.catch((error) => unable(facts, error)) : judged
      } catch (error) {
        return unable(facts, error)
      }
    }
  }

  return Object.freeze<Login>({
    handle: (facts, readForm) => routes(facts, readForm)?.then(themed),
    session: async (facts) => (await sessions.find(facts))?.session,
    guard(requirement = {}) {
      checkOptions('requireLogin', requirement, rules)
      const { provider } = requirement
      if (provider !== undefined && !settings.providers.has(provider)) {
        const known = [...settings.providers.keys()].join(', ')
        throw new ConfigurationError(`\`provider\` takes one of ${known}.`)
      }
      return guardBy((facts, found) =>
        meets(settings, requirement, found) ? undefined : askToSignIn(settings, requirement, facts, found),
      )
    },
    optionalGuard: () => guardBy(() => undefined),
    async refusal(facts, error) {
      if (!isOAuthClientError(error) || error.code !== 'ERR_REAUTHENTICATION_REQUIRED') return undefined
      const demand = demandOf(error as ReauthenticationRequiredError)
      try {
        return themed(askToSignIn(settings, demand, facts, await sessions.find(facts)))
      } catch (failure) {
        return themed(unableAnswer(facts, failure))
      }
    },
  })
}

function isReturnTo(value: unknown): boolean {
  return (
    value === 'here' ||
    (typeof value === 'string' && checkReturnTo(value, new URL('https://app.invalid')) !== undefined)
  )
}

/** What a page of one user says is for no cache that others share. */
const privately: HttpAnswer['headers'] = Object.freeze({ 'Cache-Control': 'private' })

/** A handshake of a WebSocket is a GET that opens a way to change things, and browsers send it for any page. */
function isSafe(facts: RequestFacts): boolean {
  const { method } = facts
  const isRead = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
  return isRead && facts.headerValues('upgrade').length === 0
}

/** @throws what is a fault of the application. */
function unableAnswer(facts: RequestFacts, error: unknown): HttpAnswer {
  const failure = failureOf(error)
  if (failure === undefined) throw error
  return failureAnswer(facts, failure)
}
