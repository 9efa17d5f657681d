import type { Context, Middleware, Next } from 'koa'
import { declares, nodeRequestFacts, readNodeForm, setNodeHeaders } from '../../src/adapter.js'
import type { ClientDocuments } from '../../src/client/index.js'
import type {
  Login,
  LoginAccepted,
  LoginGuard,
  LoginRefused,
  LoginRequirement,
  LoginSession,
} from '../../src/login/index.js'
import { sendAnswer } from './send-answer.js'

/**
 * Middleware that adds `login` to `ctx.state`. Handlers that follow it in one call of `router.get` and the like see it
 * with its type.
 *
 * @group Koa
 */
export type KoaLoginGuard<Found> = Middleware<{ readonly login: Found }>

/**
 * The routes of a login, below its `basePath`. Use them on the application itself, not on one that is mounted below a
 * path. They need no body parser. A fault of `onLogin` is thrown on.
 *
 * @group Koa
 */
export function loginRoutes(login: Login): Middleware {
  return (ctx, next) => {
    const answer = login.handle(nodeRequestFacts(ctx.req, ctx.request), () => readNodeForm(ctx.req))
    return answer === undefined ? next() : answer.then((ready) => sendAnswer(ctx, ready))
  }
}

/**
 * Serves the metadata document of this application's client, and its keys, to anybody. Use it on the application itself,
 * not on one that is mounted below a path.
 *
 * @group Koa
 */
export function clientMetadata(documents: ClientDocuments): Middleware {
  return async (ctx, next) => {
    const answer = await documents.metadata(nodeRequestFacts(ctx.req, ctx.request))
    return answer === undefined ? next() : sendAnswer(ctx, answer)
  }
}

/**
 * Lets a request through that has a session, and puts it into `ctx.state.login`. Pages are sent to the login and come
 * back, anything else gets 401 and JSON; what another site sends with the user's cookies gets 403, where it may change
 * something.
 *
 * @throws `ConfigurationError` for a requirement that cannot be right, at once.
 * @group Koa
 */
export function requireLogin(login: Login, requirement?: LoginRequirement): KoaLoginGuard<LoginSession> {
  return guarded(login.guard(requirement))
}

/** As {@link requireLogin}, but a request without a session passes with `ctx.state.login` undefined. @group Koa */
export function optionalLogin(login: Login): KoaLoginGuard<LoginSession | undefined> {
  return guarded(login.optionalGuard())
}

/**
 * To be used before the routes: where `session.fetch` or `session.tokens` rejected because the user has to sign in again, a
 * page is sent to the login and anything else gets 401 and JSON, as by {@link requireLogin}. Any other error is thrown on.
 *
 * @group Koa
 */
export function loginRefusals(login: Login): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const answer = await login.refusal(nodeRequestFacts(ctx.req, ctx.request), error)
      if (answer === undefined) throw error
      sendAnswer(ctx, answer)
    }
  }
}

function guarded<Found extends LoginSession | undefined>(guard: LoginGuard<Found>): KoaLoginGuard<Found> {
  function settle(result: LoginAccepted<Found> | LoginRefused, ctx: Context, next: Next): Promise<void> | void {
    if (!result.ok) return sendAnswer(ctx, result.answer)
    Object.defineProperty(ctx.state, 'login', { value: result.login, configurable: true })
    setNodeHeaders(ctx.res, result.headers)
    return next()
  }
  return declares((ctx, next) => {
    const judged = guard(nodeRequestFacts(ctx.req, ctx.request))
    return judged instanceof Promise ? judged.then((result) => settle(result, ctx, next)) : settle(judged, ctx, next)
  })
}
