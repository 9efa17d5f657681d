import type { FastifyPluginAsync, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { answerMetadata, nodeRequestFacts, readNodeForm, sendReply, setReplyHeaders } from '../../src/adapter.js'
import type { ClientDocuments } from '../../src/client/index.js'
import type {
  Login,
  LoginAccepted,
  LoginGuard,
  LoginRefused,
  LoginRequirement,
  LoginSession,
} from '../../src/login/index.js'
import { atRoot, goOn, guardHook } from './guarded-routes.js'
import type { GuardHook } from './route-auth.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who signed in; `undefined` where no guard asked for a session, or found none. */
    readonly login?: LoginSession | undefined
  }
}

/**
 * Makes the plugin that answers the routes of a login, below its `basePath`, whatever the prefix:
 * `await app.register(loginRoutes(login))`. They need no body parser. A fault of `onLogin` goes to the error handler.
 *
 * @group Fastify
 */
export function loginRoutes(login: Login): FastifyPluginAsync {
  return rootPlugin('portcullis-login', (request, reply, done) => {
    const { raw } = request
    const answer = login.handle(nodeRequestFacts(raw, request), () => readNodeForm(raw))
    if (answer === undefined) done()
    else answer.then((ready) => void sendReply(reply, ready)).catch(done)
  })
}

/**
 * Makes the plugin that serves the metadata document of this application's client, and its keys, to anybody, whatever the
 * prefix: `await app.register(clientMetadata(documents))`.
 *
 * @group Fastify
 */
export function clientMetadata(documents: ClientDocuments): FastifyPluginAsync {
  return rootPlugin('portcullis-client-metadata', ({ raw }, reply, done) =>
    answerMetadata(documents, nodeRequestFacts(raw), (answer) => sendReply(reply, answer), done as never),
  )
}

/** A plugin whose hook runs for every request of the whole application. */
function rootPlugin(name: string, hook: onRequestHookHandler): FastifyPluginAsync {
  return Object.assign<FastifyPluginAsync, object>(
    async (instance) => void atRoot(instance).addHook('onRequest', hook),
    { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: name },
  )
}

/**
 * Makes a hook, for `onRequest` of a route, that lets a request through that has a session: `request.login`. Pages are sent
 * to the login and come back, anything else gets 401 and JSON; what another site sends with the user's cookies gets 403,
 * where it may change something.
 *
 * @throws `ConfigurationError` for a requirement that cannot be right, at once.
 * @group Fastify
 */
export function requireLogin(login: Login, requirement?: LoginRequirement): GuardHook {
  return hookFor(login.guard(requirement))
}

/** As {@link requireLogin}, but a request without a session passes with `request.login` undefined. @group Fastify */
export function optionalLogin(login: Login): GuardHook {
  return hookFor(login.optionalGuard())
}

/**
 * Makes an error handler: `app.setErrorHandler(loginRefusals(login))`. Where `session.fetch` or `session.tokens` rejected
 * because the user has to sign in again, a page is sent to the login and anything else gets 401 and JSON, as by
 * {@link requireLogin}. Any other error is thrown on, to the handler around it.
 *
 * @group Fastify
 */
export function loginRefusals(
  login: Login,
): (error: Error, request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (error, request, reply) => {
    const answer = await login.refusal(nodeRequestFacts(request.raw, request), error)
    if (answer === undefined) throw error
    return sendReply(reply, answer)
  }
}

type LoginJudged = LoginAccepted<LoginSession | undefined> | LoginRefused

function hookFor(guard: LoginGuard<LoginSession | undefined>): GuardHook {
  const hook = (request: FastifyRequest, reply: FastifyReply, done?: unknown): Promise<unknown> | undefined => {
    const judged = guard(nodeRequestFacts(request.raw, request))
    return goOn(judged, (result) => settle(result, request, reply), done)
  }
  return guardHook(hook as GuardHook)
}

/** Gives the reply where it is sent, `undefined` where the request may go on. */
function settle(result: LoginJudged, request: FastifyRequest, reply: FastifyReply): unknown {
  if (!result.ok) return sendReply(reply, result.answer)
  Object.defineProperty(request, 'login', { value: result.login, configurable: true })
  return setReplyHeaders(reply, result.headers)
}
