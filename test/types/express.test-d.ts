import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { createResourceServer } from 'portcullis'
import { type AuthenticatedRequest, portcullis } from 'portcullis/express'
import { z } from 'zod'

/** Compiles, or the types are wrong: `tsc --noEmit` is the test. Nothing here runs. */

const options = { resource: 'https://api.example.com', issuer: 'https://issuer.test' }
const plain = portcullis(createResourceServer(options))
const typed = portcullis(createResourceServer({ ...options, claims: z.object({ sub: z.string(), plan: z.number() }) }))
const app = express()
const router = express.Router()
declare const logger: RequestHandler

export function claimsOfTheSchemaReachTheHandler(): void {
  app.get('/me', typed.requireToken(), (req, res) => {
    const plan: number = req.auth.claims.plan
    // @ts-expect-error the schema knows no such claim
    req.auth.claims.other
    res.json({ plan, subject: req.auth.subject })
  })
  app.get('/me', plain.requireToken({ scope: 'profile' }), (req, res) => res.json(req.auth.claims['name']))
}

export function routeParametersStayTyped(): void {
  app.get('/users/:id', typed.requireToken(), async (req, res) => {
    const id: string = req.params.id
    // @ts-expect-error the path has no such parameter
    req.params.name
    res.json({ id, plan: req.auth.claims.plan })
  })
}

export function severalHandlersAndRoutersWork(): void {
  app.get('/a', typed.requireToken(), logger, (req, res) => res.json(req.auth.claims.plan))
  app.get('/b', logger, typed.requireToken(), (req, res) => res.json(req.auth.claims.plan))
  app.get(
    '/c',
    typed.requireToken(),
    (req, _res, next) => next(req.auth.claims.plan > 1 ? undefined : new Error('no')),
    (req, res) => res.json(req.auth.claims.plan),
  )
  app.get(/^\/d/, typed.requireToken(), (req, res) => res.json(req.auth.claims.plan))
  app.route('/e/:id').get(typed.requireToken(), (req, res) => res.json([req.auth.claims.plan, req.params['id']]))
  router.post('/f', typed.requireToken(), (req, res) => res.json(req.auth.claims.plan))
  app.use('/g', typed.requireToken(), router)
  app.use(typed.requireToken(), (req, _res, next) => next(req.auth.claims.plan))
  app.use(typed.requireToken())
  app.use(typed.metadata())
}

export function optionalTokensMayBeAbsent(): void {
  app.get('/me', typed.optionalToken(), (req, res) => {
    // @ts-expect-error nobody may have called
    req.auth.claims
    res.json(req.auth?.claims.plan)
  })
}

export function identitiesAreReadOnly(): void {
  app.get('/me', typed.requireToken(), (req) => {
    // @ts-expect-error identities are not for handlers to write
    req.auth = undefined
  })
  app.get('/me', (req) => typed.authOf(req)?.claims.plan.toFixed())
}

export function handlersWithoutAGuardSeeNoAuth(): void {
  app.get('/users/:id', (req, res) => {
    // @ts-expect-error there is no guard, so no claims: at most what the MCP SDK declares for every request
    req.auth.claims
    const id: string = req.params.id
    res.json(id)
  })
}

export function otherRoutesInferAsEver(): void {
  app.get<{ id: string }, { ok: boolean }>('/x/:id', (_req, res) => {
    // @ts-expect-error the body has another type
    res.json({ no: true })
  })
  app.post('/x', plain.requireToken(), [logger], (req: Request, res: Response) => res.json(req.body))
  app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => res.json(error.message))
}

export function namedHandlersCanSayWhatTheyNeed(): void {
  const handler = (req: AuthenticatedRequest<{ sub: string; plan: number }>, res: Response) =>
    res.json(req.auth.claims.plan)
  app.get('/me', typed.requireToken(), handler)
  // @ts-expect-error the guard is missing
  app.get('/me', handler)
  // @ts-expect-error an optional token is not enough
  app.get('/me', typed.optionalToken(), handler)
}
