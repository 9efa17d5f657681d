import {
  type FetchConnection,
  fetchRequestFacts,
  readFetchForm,
  setFetchHeaders,
  toFetchResponse,
  withFetchHeaders,
} from '../../src/adapter.js'
import type { ClientDocuments } from '../../src/client/index.js'
import type { MaybePromise } from '../../src/index.js'
import type { Login, LoginGuard, LoginRequirement, LoginSession } from '../../src/login/index.js'
import type { Answered, FetchHandler, GuardOptions } from './fetch-gate.js'

/** What became of a request: the session, or the response to send. @group Fetch */
export type FetchLoginResult<Found> =
  | {
      readonly ok: true
      readonly login: Found
      /** The fields your response needs: those you gave, with ours merged into them. */
      readonly headers: Headers
    }
  | Pick<Answered, 'ok' | 'response'>

/** Judges a request by its session. @group Fetch */
export type FetchLoginGuard<Found> = (request: Request, context?: GuardOptions) => Promise<FetchLoginResult<Found>>

/** A handler that is told who signed in. `rest` is whatever the platform passes after the request. @group Fetch */
export type LoginHandler<Rest extends unknown[]> = (
  request: Request,
  login: LoginSession,
  ...rest: Rest
) => MaybePromise<Response>

/**
 * The routes of a login, below its `basePath`: `undefined` for any other request. `connection` says what the platform
 * knows of it: without the client's address nothing limits how many logins it starts. Rejects with a fault of `onLogin`.
 *
 * @group Fetch
 */
export function loginRoutes(
  login: Login,
): (request: Request, connection?: FetchConnection) => Promise<Response | undefined> {
  return async (request, connection) => {
    const answer = await login.handle(fetchRequestFacts(request, connection), () => readFetchForm(request))
    return answer && toFetchResponse(answer)
  }
}

/**
 * Serves the metadata document of this application's client, and its keys, to anybody: `undefined` for any other request.
 * Ask at the root of the origin.
 *
 * @group Fetch
 */
export function clientMetadata(documents: ClientDocuments): (request: Request) => Promise<Response | undefined> {
  return async (request) => {
    const answer = await documents.metadata(fetchRequestFacts(request))
    return answer && toFetchResponse(answer)
  }
}

/**
 * Makes a guard that demands a session. Pages are sent to the login and come back, anything else gets 401 and JSON; what
 * another site sends with the user's cookies gets 403, where it may change something.
 *
 * @throws `ConfigurationError` for a requirement that cannot be right, at once.
 * @group Fetch
 */
export function requireLogin(login: Login, requirement?: LoginRequirement): FetchLoginGuard<LoginSession> {
  return guarded(login.guard(requirement))
}

/** As {@link requireLogin}, but a request without a session passes with `login` undefined. @group Fetch */
export function optionalLogin(login: Login): FetchLoginGuard<LoginSession | undefined> {
  return guarded(login.optionalGuard())
}

/**
 * Makes what answers an error of a handler: where `session.fetch` or `session.tokens` rejected because the user has to sign
 * in again, a page is sent to the login and anything else gets 401 and JSON, as by {@link requireLogin}. `undefined` for any
 * other error. {@link withLogin} does it by itself.
 *
 * @group Fetch
 */
export function loginRefusals(
  login: Login,
): (error: unknown, request: Request, headers?: Headers) => Promise<Response | undefined> {
  return async (error, request, headers) => {
    const answer = await login.refusal(fetchRequestFacts(request), error)
    return answer && toFetchResponse(answer, headers)
  }
}

/**
 * Puts {@link requireLogin} before a handler, and its fields on the response. Where the handler rejects because the user has
 * to sign in again, answers as {@link loginRefusals} says.
 *
 * @group Fetch
 */
export function withLogin<Rest extends unknown[]>(
  login: Login,
  requirement: LoginRequirement,
  handler: LoginHandler<Rest>,
): FetchHandler<Rest> {
  const guard = requireLogin(login, requirement)
  const refusal = loginRefusals(login)

  async function run(request: Request, handle: () => Promise<Response>): Promise<Response> {
    try {
      return await handle()
    } catch (error) {
      const refused = await refusal(error, request)
      if (refused === undefined) throw error
      return refused
    }
  }

  return async (request, ...rest) => {
    const result = await guard(request)
    if (!result.ok) return result.response
    const response = await run(request, async () => handler(request, result.login, ...rest))
    // What the answer itself says of caches is better informed.
    if (response.headers.has('cache-control')) result.headers.delete('cache-control')
    return withFetchHeaders(response, result.headers)
  }
}

function guarded<Found extends LoginSession | undefined>(guard: LoginGuard<Found>): FetchLoginGuard<Found> {
  return async (request, { headers = new Headers(), ...known } = {}) => {
    const result = await guard(fetchRequestFacts(request, known))
    if (!result.ok) return { ok: false, response: toFetchResponse(result.answer, headers) }
    setFetchHeaders(headers, result.headers)
    return { ok: true, login: result.login, headers }
  }
}
