/**
 * Portcullis for Express 4 and 5.
 *
 * @module
 */
import type { Request, RequestHandler, Response } from 'express'
import {
  checkNames,
  createGrantGuard,
  isPreflight,
  keepAccess,
  mergeField,
  nodeRequestFacts,
  preflightAnswer,
  sendNodeAnswer,
  setNodeHeaders,
} from '../../src/adapter.js'
import {
  type AccessTokenClaims,
  type Auth,
  type AuthError,
  type HttpAnswer,
  isAuthError,
  type OptionalAuthResult,
  type Refused,
  type RequestFacts,
  type Requirement,
  type ResourceServer,
} from '../../src/index.js'
import type { RequestGuard } from './guarded-routes.js'
import type { AuthenticatedRequest, ExpressGate, ExpressOptions } from './types.js'

export type { GuardedHandler, RequestGuard } from './guarded-routes.js'
export type { AuthenticatedRequest, ExpressGate, ExpressOptions } from './types.js'

/** Makes Express middleware of a resource server. Works with Express 4 and 5. @group Express */
export function portcullis<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: ExpressOptions = {},
): ExpressGate<Claims> {
  checkNames('portcullis', options, ['grants', 'onError', 'resource'] satisfies (keyof ExpressOptions)[])
  const { onError = 'answer', resource, grants } = options
  type Judge = (facts: RequestFacts, known: Auth<Claims> | undefined) => Promise<OptionalAuthResult<Claims>>

  function authOf(req: Request): Auth<Claims> | undefined {
    return (req as Partial<AuthenticatedRequest<Claims>>).auth
  }

  function guarded<Added>(judge: Judge): RequestGuard<Added> {
    async function admit(req: Request, res: Response, next: (error?: AuthError) => void): Promise<void> {
      const known = authOf(req)
      clearAuth(req)
      const facts = nodeRequestFacts(req)
      if (isPreflight(facts)) return sendNodeAnswer(res, preflightAnswer)
      const result = await judge(facts, known)
      if (!result.ok) return refuse(result, res, next)
      setAuth(req, result.auth && keepAccess(result.auth, known))
      setNodeHeaders(res, result.headers)
      next()
    }
    const handler: RequestHandler = (req, res, next) => void admit(req, res, next).catch(next)
    return handler as RequestGuard<Added>
  }

  function refuse({ fault, error, answer }: Refused, res: Response, next: (error?: AuthError) => void): void {
    if (fault) next(error)
    else if (onError === 'next') next(withHeaders(error, answer, res))
    else sendNodeAnswer(res, answer)
  }

  function withDefaults(requirement: Requirement<Claims> = {}): Requirement<Claims> {
    return resource === undefined ? requirement : { resource, ...requirement }
  }

  return {
    metadata: () => (req, res, next) => {
      const answer = server.metadata(nodeRequestFacts(req))
      if (answer === undefined) return next()
      Promise.resolve(answer).then((ready) => (ready === undefined ? next() : sendNodeAnswer(res, ready)), next)
    },
    requireToken: (requirement) => guarded(server.guard(withDefaults(requirement))),
    optionalToken: (requirement) => guarded(server.optionalGuard(withDefaults(requirement))),
    grant: (...declared) => {
      const acquire = createGrantGuard(server, grants, declared)
      return guarded((_facts, known) => acquire(known))
    },
    refusals: () => (error, req, res, next) => {
      if (!isAuthError(error) || res.headersSent) return next(error)
      const { fault, answer } = server.refuse(error, authOf(req))
      if (fault) return next(error)
      sendNodeAnswer(res, answer)
    },
    authOf,
  }
}

/** What another guard or library left must not stand for this guard's answer. */
function clearAuth(req: Request): void {
  if ('auth' in req) setAuth(req, undefined)
}

/** Not writable, so that no later middleware replaces it by accident; a second guard still can. */
function setAuth(req: Request, value: unknown): void {
  Object.defineProperty(req, 'auth', { value, writable: false, enumerable: true, configurable: true })
}

function withHeaders(error: AuthError, { headers }: HttpAnswer, res: Response): AuthError {
  const merged = Object.entries(headers).map(([name, value]) => [name, mergeField(name, res.getHeader(name), value)])
  return Object.defineProperty(error, 'headers', { value: Object.fromEntries(merged), configurable: true })
}
