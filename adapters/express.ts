/**
 * Portcullis for Express 4 and 5.
 *
 * @module
 */
import type { Request, RequestHandler, Response } from 'express'
import {
  type AccessTokenClaims,
  type Auth,
  type AuthError,
  createGrantGuard,
  type Grant,
  type Grants,
  type HttpAnswer,
  isPreflight,
  mergeField,
  nodeRequestFacts,
  type OptionalAuthResult,
  type RequestFacts,
  type Requirement,
  type ResourceServer,
  sendNodeAnswer,
  setNodeHeaders,
} from '../src/index.js'
import type { RequestGuard } from './express/guarded-routes.js'

export type { GuardedHandler, RequestGuard } from './express/guarded-routes.js'

/** Options of {@link portcullis}. @group Express */
export interface ExpressOptions {
  /** The grant engine; needed for {@link ExpressGate.grant}. */
  readonly grants?: Grants | undefined
  /**
   * What to do with a refusal. `answer` (default) sends the complete answer. `next` hands the {@link AuthError} to the
   * application's error handler: `err.status` and `err.headers` say what the answer needs, challenges included, and
   * Express's own handler heeds both. Outside production that one also prints the stack, ours like any other.
   */
  readonly onError?: 'answer' | 'next' | undefined
  /** The resource of requirements that name none. Needed when the server guards several. */
  readonly resource?: string | undefined
}

/** A request behind {@link ExpressGate.requireToken}. @group Express */
export type AuthenticatedRequest<Claims = AccessTokenClaims> = Request & { readonly auth: Auth<Claims> }

/** Express middleware made of a resource server. @group Express */
export interface ExpressGate<Claims = AccessTokenClaims> {
  /** Serves the metadata documents. Mount it on the application, not on a router with a prefix. */
  metadata(): RequestHandler
  /**
   * Lets a request through that carries a good token, and puts {@link Auth} into `req.auth`. CORS preflights pass
   * without one, so a handler for `OPTIONS` must not rely on it.
   *
   * @throws {@link ConfigurationError} for a requirement that cannot be right, at once.
   */
  requireToken(requirement?: Requirement<Claims>): RequestGuard<{ readonly auth: Auth<Claims> }>
  /** As {@link ExpressGate.requireToken}, but a request without credentials passes with `req.auth` undefined. */
  optionalToken(requirement?: Requirement<Claims>): RequestGuard<{ readonly auth: Auth<Claims> | undefined }>
  /**
   * Acquires downstream tokens for the caller that a guard before it found: `req.auth.access` has them.
   *
   * @throws {@link ConfigurationError} for a grant that cannot be right, at once.
   */
  grant(...grants: Grant[]): RequestGuard<{ readonly auth: Auth<Claims> }>
  /** What a guard mounted with `app.use` found out; for handlers whose own route names no guard. */
  authOf(req: Request): Auth<Claims> | undefined
}

/** Makes Express middleware of a resource server. Works with Express 4 and 5. @group Express */
export function portcullis<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: ExpressOptions = {},
): ExpressGate<Claims> {
  const { onError = 'answer', resource, grants } = options
  type Judge = (facts: RequestFacts, known: Auth<Claims> | undefined) => Promise<OptionalAuthResult<Claims>>

  function authOf(req: Request): Auth<Claims> | undefined {
    return (req as Partial<AuthenticatedRequest<Claims>>).auth
  }

  function guarded<Added>(judge: Judge): RequestGuard<Added> {
    async function admit(req: Request, res: Response, next: (error?: AuthError) => void): Promise<void> {
      const known = authOf(req)
      setAuth(req, undefined)
      const facts = nodeRequestFacts(req)
      if (isPreflight(facts)) return next()
      const result = await judge(facts, known)
      if (!result.ok && onError === 'next') return next(withHeaders(result.error, result.answer, res))
      if (!result.ok) return sendNodeAnswer(res, result.answer)
      setAuth(req, result.auth)
      setNodeHeaders(res, result.headers)
      next()
    }
    const handler: RequestHandler = (req, res, next) => void admit(req, res, next).catch(next)
    return handler as RequestGuard<Added>
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
    authOf,
  }
}

/** Not writable, so that no later middleware replaces it by accident; a second guard still can. */
function setAuth(req: Request, value: unknown): void {
  Object.defineProperty(req, 'auth', { value, writable: false, enumerable: true, configurable: true })
}

function withHeaders(error: AuthError, { headers }: HttpAnswer, res: Response): AuthError {
  const merged = Object.entries(headers).map(([name, value]) => [name, mergeField(name, res.getHeader(name), value)])
  return Object.defineProperty(error, 'headers', { value: Object.fromEntries(merged), configurable: true })
}
