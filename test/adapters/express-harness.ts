import type { AddressInfo } from 'node:net'
import type { Express, Request, Response, Router } from 'express'
import {
  type AdapterHarness,
  type ContractRoute,
  contractRoutes,
  forged,
  probePaths,
  unparsedPath,
} from 'portcullis/adapter-testing'
import { type ExpressGate, portcullis } from 'portcullis/express'

/** What both major versions of Express export. */
interface ExpressModule {
  (): Express
  Router(): Router
  urlencoded(options: {
    extended: boolean
  }): ReturnType<typeof portcullis>['metadata'] extends () => infer Handler ? Handler : never
}

/** The contract's application in Express, of whichever version `express` is. */
export function expressHarness(name: string, express: ExpressModule): AdapterHarness {
  return {
    name,
    async start(server, grants, { second, fault }) {
      const app = express()
      app.disable('x-powered-by')
      const gate = portcullis(server, { grants })
      app.use(gate.metadata(), portcullis(second).metadata())
      const parse = express.urlencoded({ extended: false })
      app.use((req, res, next) => (req.path === unparsedPath ? next() : parse(req, res, next)))
      app.get(probePaths.ready, gate.health()).get(probePaths.live, gate.health({ probe: 'live' }))
      for (const route of contractRoutes) addRoute(app, route, gate, express)
      app.use(gate.refusals())
      app.use((error: unknown, _req: Request, res: Response, _next: unknown) => {
        fault(error)
        res.sendStatus(500)
      })
      const listening = app.listen(0, '127.0.0.1')
      await new Promise((resolve) => listening.once('listening', resolve))
      return {
        origin: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
        close: () => new Promise((resolve) => listening.close(() => resolve())),
      }
    },
  }
}

function addRoute(app: Express, route: ContractRoute, gate: ExpressGate, express: ExpressModule): void {
  const { path, mountedAt = '', methods = ['GET'], token = 'required', requirement, grants, before = {} } = route
  const { requireToken, optionalToken, grant, authOf } = gate
  const router = mountedAt === '' ? app : express.Router()
  if (router !== app) app.use(mountedAt, router)
  const routed = router.route(path.slice(mountedAt.length))
  for (const method of methods.map((name) => name.toLowerCase() as 'get' | 'post' | 'options')) {
    routed[method]((_req, res, next) => {
      res.set(before)
      next()
    })
    if (route.routerGrants) routed[method](requireToken(), grant(...route.routerGrants))
    if (token !== 'none') routed[method](token === 'required' ? requireToken(requirement) : optionalToken(requirement))
    if (grants !== undefined) routed[method](grant(...grants))
    routed[method]((req, _res, next) => {
      if (route.overwrites) Reflect.set(req, 'auth', forged)
      next()
    })
    routed[method]((req, res) => void res.json(route.respond(authOf(req))))
  }
}
