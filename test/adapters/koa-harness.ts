import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import type Koa from 'koa'
import type { Middleware } from 'koa'
import mount from 'koa-mount'
import { type AdapterHarness, type ContractRoute, contractRoutes, forged, probePaths } from 'portcullis/adapter-testing'
import { type KoaGate, portcullis } from 'portcullis/koa'

/** The contract's application in Koa, of whichever version `Application` is. */
export function koaHarness(name: string, Application: typeof Koa): AdapterHarness {
  return {
    name,
    async start(server, grants, { second, fault }) {
      const app = new Application()
      app.silent = true
      const gate = portcullis(server, { grants })
      app.on('error', fault)
      app.use(gate.metadata()).use(portcullis(second).metadata())
      app.use(gate.refusals())
      const router = new Router()
      router.get(probePaths.ready, gate.health()).get(probePaths.live, gate.health({ probe: 'live' }))
      for (const route of contractRoutes) {
        if (route.mountedAt === undefined) addRoute(router, route, gate, route.path)
        else app.use(mount(route.mountedAt, subApplication(Application, route, gate, route.mountedAt)))
      }
      app.use(router.routes())
      const listening = app.listen(0, '127.0.0.1')
      await new Promise((resolve) => listening.once('listening', resolve))
      return { origin: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, close: () => close(listening) }
    },
  }
}

function addRoute(router: Router, route: ContractRoute, gate: KoaGate, path: string): void {
  const { methods = ['GET'], token = 'required', requirement, grants, before = {} } = route
  const chain: Middleware[] = []
  chain.push((ctx, next) => {
    ctx.set(before)
    return next()
  })
  if (route.routerGrants) chain.push(gate.requireToken(), gate.grant(...route.routerGrants))
  if (token === 'required') chain.push(gate.requireToken(requirement))
  if (token === 'optional') chain.push(gate.optionalToken(requirement))
  if (grants !== undefined) chain.push(gate.grant(...grants))
  chain.push((ctx) => {
    if (route.overwrites) Reflect.set(ctx.state, 'auth', forged)
    ctx.body = route.respond(ctx.state['auth'])
  })
  router.register(path, [...methods], chain)
}

function subApplication(Application: typeof Koa, route: ContractRoute, gate: KoaGate, prefix: string): Koa {
  const router = new Router()
  addRoute(router, route, gate, route.path.slice(prefix.length))
  const app = new Application()
  app.use(router.routes())
  return app
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
