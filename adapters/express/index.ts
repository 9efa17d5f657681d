/**
 * Portcullis for Express 4 and 5.
 *
 * @module
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import {
  adapterRules,
  answerMetadata,
  authIn,
  checkOptions,
  choice,
  createAdapterGate,
  declares,
  earlierIn,
  type Judge,
  type Judged,
  keepAccess,
  nodeRequestFacts,
  refuseUncalled,
  sendNodeAnswer,
  setAuth,
  setNodeHeaders,
  withAnswerHeaders,
} from '../../src/adapter.js'
import type { AccessTokenClaims, ResourceServer } from '../../src/index.js'
import type { ExpressGate, ExpressOptions, RequestGuard } from './express-gate.js'

import { checkRoutes } from './router-layers.js'

export type { AuthenticatedRequest, ExpressGate, ExpressOptions, GuardedHandler, RequestGuard } from './express-gate.js'
export { clientMetadata, loginRefusals, loginRoutes, optionalLogin, requireLogin } from './express-login.js'

/** Makes Express middleware of a resource server. Works with Express 4 and 5. @group Express */
export function portcullis<Claims = AccessTokenClaims>(
  server: ResourceServer<Claims>,
  options: ExpressOptions = {},
): ExpressGate<Claims> {
  checkOptions<ExpressOptions>('portcullis', options, { ...adapterRules, onError: choice('answer', 'next') })
  const gate = createAdapterGate(server, options)
  const authOf = authIn<Claims>

  function guarded<Added>(judge: Judge<Claims>): RequestGuard<Added> {
    const handler: RequestHandler = (req, res, next) => {
      const earlier = earlierIn(req)
      if (earlier !== undefined) setAuth(req, undefined)
      const judged = judge(nodeRequestFacts(req), earlier)
      if (judged instanceof Promise) judged.then((result) => settle(result, earlier, req, res, next)).catch(next)
      else settle(judged, earlier, req, res, next)
    }
    return handler as RequestGuard<Added>
  }

  function settle(result: Judged<Claims>, earlier: unknown, req: Request, res: Response, next: NextFunction): void {
    if (result.ok) {
      setAuth(req, keepAccess(result.auth, earlier))
      setNodeHeaders(res, result.headers)
      next()
    } else refuse(result, res, next)
  }

  function refuse(refused: Judged<Claims> & { ok: false }, res: Response, next: NextFunction): void {
    const { fault, error, answer } = refused
    if (fault) next(error)
    else if (error !== undefined && options.onError === 'next') next(withAnswerHeaders(error, answer, res))
    else sendNodeAnswer(res, answer)
  }

  return {
    metadata(...given: unknown[]) {
      refuseUncalled('metadata', given)
      return (req, res, next) =>
        answerMetadata(server, nodeRequestFacts(req), (answer) => sendNodeAnswer(res, answer), next)
    },
    health(options) {
      const answer = gate.health(options)
      return declares((_req, res) => sendNodeAnswer(res, answer()))
    },
    requireToken: (requirement) => declares(guarded(gate.requireToken(requirement))),
    optionalToken: (requirement) => declares(guarded(gate.optionalToken(requirement))),
    grant: (...declared) => guarded(gate.grant(...declared)),
    refusals: () => (error, req, res, next) => {
      const answer = res.headersSent ? undefined : gate.refusal(error, authOf(req))
      if (answer === undefined) next(error)
      else sendNodeAnswer(res, answer)
    },
    requireDeclaration: checkRoutes,
    publicRoute: () => declares((_req, _res, next) => next()),
    authOf,
  }
}
