/**
 * Portcullis for Koa 2 and 3.
 *
 * @module
 */
import type { Context, Next } from 'koa'
import {
  checkNames,
  createGrantGuard,
  isPreflight,
  keepAccess,
  preflightAnswer,
  setNodeHeaders,
} from '../../src/adapter.js'
import {
  type AccessTokenClaims,
  type Auth,
  type AuthError,
  isAuthError,
  type OptionalAuthResult,
  type Refused,
  type RequestFacts,
  type Requirement,
  type ResourceServer,
} from '../../src/index.js'
import { factsOf, sendAnswer, setAuth, withHeaders } from './context.js'
import type { KoaGate, KoaOptions } from './types.js'

export type { KoaGate, KoaGuard, KoaOptions } from './types.js'

/** Makes Koa middleware of a resource server. Works with Koa 2 and 3. @group Koa */
export function portcullis<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: KoaOptions = {},
): KoaGate<Claims> {
  checkNames('portcullis', options, ['grants', 'onError', 'resource'] satisfies (keyof KoaOptions)[])
  const { onError = 'answer', resource, grants } = options
  type Judge = (facts: RequestFacts, known: Auth<Claims> | undefined) => Promise<OptionalAuthResult<Claims>>

  function guarded(judge: Judge) {
    return async (ctx: Context, next: Next): Promise<void> => {
      const known = ctx.state['auth']
      if (known !== undefined) setAuth(ctx, undefined)
      const facts = factsOf(ctx)
      if (isPreflight(facts)) return sendAnswer(ctx, preflightAnswer)
      const result = await judge(facts, known)
      if (!result.ok) return refuse(ctx, result)
      setAuth(ctx, result.auth && keepAccess(result.auth, known))
      setNodeHeaders(ctx.res, result.headers)
      return next()
    }
  }

  function refuse(ctx: Context, { fault, error, answer }: Refused): void {
    if (fault) throw error
    if (onError === 'throw') throw withHeaders(error, answer, ctx)
    sendAnswer(ctx, answer)
  }

  /** A refusal of a handler: whatever `onError` says, since it is for the middleware that asked for it. */
  function refuseLater(ctx: Context, thrown: AuthError): void {
    const { fault, answer } = server.refuse(thrown, ctx.state['auth'])
    if (fault) throw thrown
    sendAnswer(ctx, answer)
  }

  function withDefaults(requirement: Requirement<Claims> = {}): Requirement<Claims> {
    return resource === undefined ? requirement : { resource, ...requirement }
  }

  return {
    metadata: () => async (ctx, next) => {
      const answer = await server.metadata(factsOf(ctx))
      return answer === undefined ? next() : sendAnswer(ctx, answer)
    },
    requireToken: (requirement) => guarded(server.guard(withDefaults(requirement))),
    optionalToken: (requirement) => guarded(server.optionalGuard(withDefaults(requirement))),
    grant: (...declared) => {
      const acquire = createGrantGuard(server, grants, declared)
      return guarded((_facts, known) => acquire(known))
    },
    refusals: () => async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        if (!isAuthError(error) || ctx.headerSent) throw error
        refuseLater(ctx, error)
      }
    },
  }
}
