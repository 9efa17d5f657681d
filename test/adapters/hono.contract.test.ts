import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Auth } from 'portcullis'
import { type ContractRoute, contractRoutes, forged, probePaths } from 'portcullis/adapter-testing'
import { type FetchGate, type FetchGuard, portcullis } from 'portcullis/fetch'
import { connection, serveFetch } from '../support/serve-fetch.js'
import { describeAdapterContract } from './contract.js'

describeAdapterContract({
  name: 'Hono 4',
  joinsFields: true,
  start(server, grants, { second, fault }) {
    const gate = portcullis(server, { grants })
    const app = new Hono()
    const other = portcullis(second)
    app.onError((error, c) => {
      const refusal = gate.refusal(error, c.req.raw, c.res.headers)
      if (refusal === undefined) fault(error)
      return refusal ?? c.body(null, 500)
    })
    app.use(async (c, next) => (await gate.metadata(c.req.raw)) ?? (await other.metadata(c.req.raw)) ?? next())
    app.get(probePaths.ready, gate.health()).get(probePaths.live, gate.health({ probe: 'live' }))
    for (const route of contractRoutes) {
      const { mountedAt = '' } = route
      app.route(mountedAt, routerOf(route, route.path.slice(mountedAt.length), gate))
    }
    return serveFetch((request) => app.fetch(request))
  },
})

/** As in docs/fetch.md. */
function guarded(guard: FetchGuard<Auth | undefined>) {
  return createMiddleware(async (c, next) => {
    const result = await guard(c.req.raw, { headers: c.res.headers, ...connection(c.req.raw) })
    return result.ok ? next() : result.response
  })
}

function routerOf(route: ContractRoute, path: string, gate: FetchGate): Hono {
  const { methods = ['GET'], token = 'required', requirement, grants, before = {} } = route
  const router = new Hono()
  router.use(path, async (c, next) => {
    for (const [name, value] of Object.entries(before)) c.res.headers.set(name, value)
    await next()
  })
  if (route.routerGrants) router.use(path, guarded(gate.requireToken({ grants: route.routerGrants })))
  if (token === 'required') router.use(path, guarded(gate.requireToken({ ...requirement, grants })))
  if (token === 'optional') router.use(path, guarded(gate.optionalToken(requirement)))
  return router.on([...methods], path, (c) => {
    if (route.overwrites) c.set('auth' as never, forged as never)
    return c.json(route.respond(gate.authOf(c.req.raw)))
  })
}
