import Fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify'
import { portcullis } from 'portcullis/fastify'
import { type ContractRoute, contractRoutes, forged } from './contract/routes.js'
import { describeAdapterContract } from './contract.js'

describeAdapterContract({
  name: 'Fastify 5',
  async start(server, grants) {
    const app = Fastify({ forceCloseConnections: true })
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    await app.register(portcullis, { server, grants })
    app.setErrorHandler(app.refusals)
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
