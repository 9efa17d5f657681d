import Fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify'
import { isAuthError } from 'portcullis'
import { type ContractRoute, contractRoutes, forged, probePaths } from 'portcullis/adapter-testing'
import { portcullis } from 'portcullis/fastify'
import { describeAdapterContract } from './contract.js'

describeAdapterContract({
  name: 'Fastify 5',
  async start(server, grants, { second, fault }) {
    const app = Fastify({ forceCloseConnections: true })
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    await app.register(portcullis, { server, grants })
    await app.register((child, _options, done) => {
      child.register(portcullis, { server: second })
      done()
    })
    app.setErrorHandler((error, request, reply) => {
      if (isAuthError(error) && error.status !== 500) return app.refusals(error, request, reply)
      fault(error)
      throw error
    })
    app.get(probePaths.ready, app.health())
    app.get(probePaths.live, app.health({ probe: 'live' }))
    for (const route of contractRoutes) {
      const { path, mountedAt: prefix = '' } = route
      const plugin: FastifyPluginCallback = (child, _options, done) => {
        addRoute(child, route, path.slice(prefix.length))
        done()
      }
      await app.register(plugin, { prefix })
    }
    return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
})

function addRoute(app: FastifyInstance, route: ContractRoute, url: string): void {
  const { methods = ['GET'], token = 'required', requirement, grants, before = {} } = route
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(before)
    done()
  })
  if (route.routerGrants) {
    app.addHook('onRequest', app.requireToken())
    app.addHook('onRequest', app.grant(...route.routerGrants))
  }
  app.route({
    method: [...methods],
    url,
    ...(token !== 'none' && { config: { portcullis: { ...requirement, optional: token === 'optional', grants } } }),
    handler: async (request) => {
      if (route.overwrites) Reflect.set(request, 'auth', forged)
      return route.respond(request.auth ?? undefined)
    },
  })
}
