/*
 * Web login: the routes, and the guards that ask for a session. Knows no framework: the adapters' `loginRoutes` and
 * `requireLogin` mount what it makes.
 */

import { isOAuthClientError } from '../../client/errors.js'
import { ConfigurationError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
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

/** Judges a request by its session. Where the store does not answer, that is 503. @group Web login */
export type LoginGuard<Found> = (facts: RequestFacts) => Promise<LoginAccepted<Found> | LoginRefused>

/** Web login of one application. Made by {@link createLogin}. Functions can be taken off the object. @group Web login */
export interface Login {
  /**
   * Answers the requests below `basePath`; `undefined` for any other. `readForm` reads the body of a login that is posted,
   * where nothing parsed it.
   *
   * @throws a fault of the application: what `onLogin` threw, with status 500 and its cause.
   */
  handle(facts: RequestFacts, readForm?: ReadForm): Promise<HttpAnswer | undefined>
  /**
   * The session of a request. A cookie that is none of ours is as if it were not there.
   *
   * @throws `UnavailableError` where the store does not answer.
   */
  session(facts: RequestFacts): Promise<LoginSession | undefined>
  /**
   * Makes a guard that demands a session: a page is sent to the login and comes back, anything else gets 401 and JSON.
   * Refuses what another site sends with the user's cookies, methods other than GET, HEAD and OPTIONS: 403.
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

  async function judge<Found>(facts: RequestFacts, decide: Decide): Promise<LoginAccepted<Found> | LoginRefused> {
    if (!isSafe(facts.method) && !isSameOrigin(facts, settings.base.origin, false)) {
      return { ok: false, answer: crossSiteAnswer(facts) }
    }
    const found = await sessions.find(facts)
    const answer = decide(facts, found)
    if (answer !== undefined) return { ok: false, answer }
    const cookies = found?.cookies ?? []
    const headers = cookies.length === 0 ? privately : { ...privately, 'Set-Cookie': cookies }
    return { ok: true, login: found?.session as Found, headers }
  }

  function guardBy<Found>(decide: Decide): LoginGuard<Found> {
    return async (facts) => {
      try {
        const judged = await judge<Found>(facts, decide)
        return judged.ok ? judged : { ok: false, answer: themed(judged.answer) }
      } catch (error) {
        return { ok: false, answer: themed(unableAnswer(facts, error)) }
      }
    }
  }

  return Object.freeze<Login>({
    async handle(facts, readForm) {
      const answer = await routes(facts, readForm)
      return answer && themed(answer)
    },
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

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/** @throws what is a fault of the application. */
function unableAnswer(facts: RequestFacts, error: unknown): HttpAnswer {
  const failure = failureOf(error)
  if (failure === undefined) throw error
  return failureAnswer(facts, failure)
}
