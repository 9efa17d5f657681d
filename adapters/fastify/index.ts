/**
 * Portcullis for Fastify 5.
 *
 * @module
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import {
  adapterRules,
  answerMetadata,
  anything,
  checkOptions,
  choice,
  createAdapterGate,
  flag,
  isAuthError,
  type Judge,
  type Judged,
  keepAccess,
  nodeRequestFacts,
  object,
  required,
  sendReply,
  setReplyHeaders,
  withAnswerHeaders,
} from '../../src/adapter.js'
import type { Auth } from '../../src/index.js'
import { atRoot, checkRoute, goOn, guardHook, guardRoute, toFault, unguardedFault } from './guarded-routes.js'
import type { AuthClaims, FastifyOptions, GuardHook } from './route-auth.js'

export { clientMetadata, loginRefusals, loginRoutes, optionalLogin, requireLogin } from './fastify-login.js'
export type { AuthClaims, AuthTypes, FastifyOptions, GuardHook, RequestAuth, RouteAuth } from './route-auth.js'

/** What Fastify itself reads from the options of `register`. */
interface OptionsOfRegister {
  readonly prefix?: unknown
  readonly logLevel?: unknown
  readonly logSerializers?: unknown
}

const identity = Symbol('portcullis.identity')
type Identified = FastifyRequest & { [identity]: Auth<AuthClaims> | null }

async function plugin(instance: FastifyInstance, options: FastifyOptions<AuthClaims>): Promise<void> {
  checkOptions<FastifyOptions<AuthClaims> & OptionsOfRegister>('portcullis', options, {
    ...adapterRules,
    server: required(object),
    metadata: flag,
    onError: choice('answer', 'throw'),
    requireDeclaration: flag,
    prefix: anything,
    logLevel: anything,
    logSerializers: anything,
  })
  const { server, onError } = options
  const gate = createAdapterGate(server, options)

  function hookFor(judge: Judge<AuthClaims>): GuardHook {
    const hook = (request: FastifyRequest, reply: FastifyReply, done?: unknown): Promise<unknown> | undefined => {
      const earlier = (request as Identified)[identity] ?? undefined
      ;(request as Identified)[identity] = null
      const judged = judge(nodeRequestFacts(request.raw, request), earlier)
      return goOn(judged, (result) => settle(result, earlier, request, reply), done)
    }
    return guardHook(hook as GuardHook)
  }

  /** Gives the reply where it is sent, `undefined` where the request may go on. */
  function settle(
    result: Judged<AuthClaims>,
    earlier: Auth<AuthClaims> | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): unknown {
    if (!result.ok) return refuse(result, reply)
    ;(request as Identified)[identity] = keepAccess(result.auth, earlier) ?? null
    return setReplyHeaders(reply, result.headers)
  }

  function refuse({ fault, error, answer }: Judged<AuthClaims> & { ok: false }, reply: FastifyReply): unknown {
    if (fault) throw toFault(error)
    if (error !== undefined && onError === 'throw') throw withAnswerHeaders(error, answer, reply)
    return sendReply(reply, answer)
  }

  if (!instance.hasRequestDecorator(identity)) {
    instance.decorateRequest(identity, null)
    instance.decorateRequest('auth', {
      getter() {
        return (this as Identified)[identity]
      },
    })
  }
  instance.decorate('requireToken', (requirement) => hookFor(gate.requireToken(requirement)))
  instance.decorate('optionalToken', (requirement) => hookFor(gate.optionalToken(requirement)))
  instance.decorate('grant', (...declared) => hookFor(gate.grant(...declared)))
  instance.decorate('authOf', (request) => (request as Identified)[identity] ?? undefined)
  instance.decorate('health', (healthOptions) => {
    const answer = gate.health(healthOptions)
    return (_request, reply) => sendReply(reply, answer())
  })
  instance.decorate('refusals', (error, request, reply) => {
    const answer = gate.refusal(error, request.auth)
    if (answer === undefined) throw isAuthError(error) ? toFault(error) : error
    return sendReply(reply, answer) as FastifyReply
  })
  instance.addHook('onRoute', (route) => {
    checkRoute(route, options.requireDeclaration)
    guardRoute(route, ({ optional = false, grants, ...requirement }) =>
      hookFor(optional === true ? gate.optionalToken(requirement, grants) : gate.requireToken(requirement, grants)),
    )
  })
  atRoot(instance).addHook('onRequest', (request, reply, done) => {
    const fault = unguardedFault(request)
    if (fault !== undefined || options.metadata === false) return done(fault)
    const facts = nodeRequestFacts(request.raw, request)
    answerMetadata(server, facts, (answer) => sendReply(reply, answer), done as never)
  })
}

/**
 * The plugin. Register it before the routes it guards: `await app.register(portcullis, { server })`. Whatever registers
 * it has `requireToken`, `optionalToken` and `grant`, and `request.auth` in its handlers.
 *
 * A route declares what it demands as `config: { portcullis: { scope: 'profile' } }`, which is checked when the route is
 * added, or as a hook: `onRequest: app.requireToken({ scope: 'profile' })`.
 *
 * @group Fastify
 */
export const portcullis: FastifyPluginAsync<FastifyOptions<AuthClaims>> = Object.assign(plugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'portcullis',
  [Symbol.for('plugin-meta')]: { name: 'portcullis', fastify: '5.x' },
})
