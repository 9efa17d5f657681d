/**
 * Portcullis for Fastify 5.
 *
 * @module
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { checkNames, createGrantGuard, isPreflight, keepAccess, preflightAnswer } from '../../src/adapter.js'
import { type Auth, type Grant, isAuthError, type Refused, type Requirement } from '../../src/index.js'
import { atRoot, factsOf, refuseUnguarded, routeGuards, serveMetadata, toFault } from './hooks.js'
import { sendAnswer, setHeaders, withHeaders } from './reply.js'
import type { AuthClaims, FastifyOptions, GuardHook, Judge, RouteAuth } from './types.js'

export type { AuthClaims, AuthTypes, FastifyOptions, GuardHook, RequestAuth, RouteAuth } from './types.js'

const own = ['server', 'grants', 'resource', 'metadata', 'onError'] satisfies (keyof FastifyOptions)[]
/** Ours, and those Fastify itself reads from what `register` is given. */
const optionNames = [...own, 'prefix', 'logLevel', 'logSerializers']
const identity = Symbol('portcullis.identity')
type Identified = FastifyRequest & { [identity]: Auth<AuthClaims> | null }

async function plugin(instance: FastifyInstance, options: FastifyOptions<AuthClaims>): Promise<void> {
  checkNames('portcullis', options, optionNames)
  const { server, grants, resource, onError = 'answer' } = options

  function hookFor(judge: Judge): GuardHook {
    return async (request, reply) => {
      const identified = request as Identified
      const known = identified[identity] ?? undefined
      identified[identity] = null
      const facts = factsOf(request)
      if (isPreflight(facts)) return sendAnswer(reply, preflightAnswer)
      const result = await judge(facts, known)
      if (!result.ok) return refuse(result, reply)
      identified[identity] = (result.auth && keepAccess(result.auth, known)) ?? null
      return setHeaders(reply, result.headers)
    }
  }

  function refuse({ fault, error, answer }: Refused, reply: FastifyReply): FastifyReply {
    if (fault) throw toFault(error)
    if (onError === 'throw') throw withHeaders(error, answer, reply)
    return sendAnswer(reply, answer)
  }

  function withDefaults(requirement: Requirement<AuthClaims> = {}): Requirement<AuthClaims> {
    return resource === undefined ? requirement : { resource, ...requirement }
  }

  const requireToken = (requirement?: Requirement<AuthClaims>) => hookFor(server.guard(withDefaults(requirement)))
  const optionalToken = (requirement?: Requirement<AuthClaims>) =>
    hookFor(server.optionalGuard(withDefaults(requirement)))
  const grant = (...declared: Grant[]): GuardHook => {
    const acquire = createGrantGuard(server, grants, declared)
    return hookFor((_facts, known) => acquire(known))
  }

  function hooksOf({ optional = false, grants: declared = [], ...requirement }: RouteAuth): GuardHook[] {
    const guard = optional === true ? optionalToken(requirement) : requireToken(requirement)
    return declared.length === 0 ? [guard] : [guard, grant(...declared)]
  }

  if (!instance.hasRequestDecorator(identity)) {
    instance.decorateRequest(identity, null)
    instance.decorateRequest('auth', {
      getter() {
        return (this as Identified)[identity]
      },
    })
  }
  instance.decorate('requireToken', requireToken)
  instance.decorate('optionalToken', optionalToken)
  instance.decorate('grant', grant)
  instance.decorate('refusals', (error, request, reply) => {
    if (!isAuthError(error)) throw error
    const { fault, answer } = server.refuse(error, request.auth ?? undefined)
    if (fault) throw toFault(error)
    return sendAnswer(reply, answer)
  })
  instance.addHook('onRoute', routeGuards(hooksOf))
  atRoot(instance).addHook('onRequest', refuseUnguarded)
  if (options.metadata !== false) atRoot(instance).addHook('onRequest', serveMetadata(server))
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
