import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import {
  answerMetadata,
  declares,
  nodeRequestFacts,
  readNodeForm,
  sendNodeAnswer,
  setNodeHeaders,
} from '../../src/adapter.js'
import type { ClientDocuments } from '../../src/client/index.js'
import type {
  Login,
  LoginAccepted,
  LoginGuard,
  LoginRefused,
  LoginRequirement,
  LoginSession,
} from '../../src/login/index.js'
import type { RequestGuard } from './express-gate.js'

/**
 * The routes of a login, below its `basePath`: mount them on the application, not on a router with a prefix. They need no
 * body parser. A fault of `onLogin` goes to the application's error handler.
 *
 * @group Express
 */
export function loginRoutes(login: Login): RequestHandler {
  return (req, res, next) => {
    const answer = login.handle(nodeRequestFacts(req), () => readNodeForm(req))
    if (answer === undefined) next()
    else answer.then((ready) => sendNodeAnswer(res, ready)).catch(next)
  }
}

/**
 * Serves the metadata document of this application's client, and its keys, to anybody: mount it on the application, not on a
 * router with a prefix.
 *
 * @group Express
 */
export function clientMetadata(documents: ClientDocuments): RequestHandler {
  return (req, res, next) =>
    answerMetadata(documents, nodeRequestFacts(req), (answer) => sendNodeAnswer(res, answer), next)
}

/**
 * Lets a request through that has a session, and puts it into `req.login`. Pages are sent to the login and come back,
 * anything else gets 401 and JSON; what another site sends with the user's cookies gets 403, where it may change something.
 *
 * @throws `ConfigurationError` for a requirement that cannot be right, at once.
 * @group Express
 */
export function requireLogin(
  login: Login,
  requirement?: LoginRequirement,
): RequestGuard<{ readonly login: LoginSession }> {
  return guarded(login.guard(requirement))
}

/** As {@link requireLogin}, but a request without a session passes with `req.login` undefined. @group Express */
export function optionalLogin(login: Login): RequestGuard<{ readonly login: LoginSession | undefined }> {
  return guarded(login.optionalGuard())
}

/**
 * Error middleware, behind the routes: where `session.fetch` or `session.tokens` rejected because the user has to sign in
 * again, a page is sent to the login and anything else gets 401 and JSON, as by {@link requireLogin}. Any other error goes
 * on.
 *
 * @group Express
 */
export function loginRefusals(login: Login): ErrorRequestHandler {
  async function refuse(error: unknown, req: Request, res: Response, next: (error: unknown) => void): Promise<void> {
    const answer = res.headersSent ? undefined : await login.refusal(nodeRequestFacts(req), error)
    if (answer === undefined) next(error)
    else sendNodeAnswer(res, answer)
  }
  return (error, req, res, next) => void refuse(error, req, res, next).catch(next)
}

function guarded<Added>(guard: LoginGuard<LoginSession | undefined>): RequestGuard<Added> {
  const handler: RequestHandler = (req, res, next) => {
    const judged = guard(nodeRequestFacts(req))
    if (judged instanceof Promise) judged.then((result) => settle(result, req, res, next)).catch(next)
    else settle(judged, req, res, next)
  }
  return declares(handler) as unknown as RequestGuard<Added>
}

type LoginJudged = LoginAccepted<LoginSession | undefined> | LoginRefused

function settle(result: LoginJudged, req: Request, res: Response, next: () => void): void {
  if (!result.ok) {
    sendNodeAnswer(res, result.answer)
    return
  }
  Object.defineProperty(req, 'login', { value: result.login, configurable: true, enumerable: false, writable: false })
  setNodeHeaders(res, result.headers)
  next()
}
