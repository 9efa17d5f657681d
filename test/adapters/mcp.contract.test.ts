import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import express, { type Response as ExpressResponse, type Request } from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import Koa from 'koa'
import { isAuthError } from 'portcullis'
import { sendNodeAnswer } from 'portcullis/adapter'
import {
  type ContractRoute,
  contractRoutes,
  forged,
  probePaths,
  type RunningApplication,
  unparsedPath,
} from 'portcullis/adapter-testing'
import { portcullis as forExpress } from 'portcullis/express'
import { portcullis as forFastify } from 'portcullis/fastify'
import { portcullis as forFetch } from 'portcullis/fetch'
import { portcullis as forKoa } from 'portcullis/koa'
import { authOf, mcpGate } from 'portcullis/mcp'
import { connection, serveFetch } from '../support/serve-fetch.js'
import { describeAdapterContract } from './contract.js'

/**
 * The contract's application with the MCP gate before every route that demands a token and nothing downstream; the
 * framework's own adapter serves the others, and the metadata, as it would in an application.
 */
function isGated({ token = 'required', grants }: ContractRoute): boolean {
  return token === 'required' && grants === undefined
}

async function listen(handler: RequestListener): Promise<RunningApplication> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, close: () => new Promise((resolve) => server.close(() => resolve())) }
}

describeAdapterContract({
  name: 'MCP on Express 5',
  start(server, grants, { second, fault }) {
    const app = express()
    const own = forExpress(server, { grants })
    app.use(own.metadata(), forExpress(second).metadata())
    const parse = express.urlencoded({ extended: false })
    app.use((req, res, next) => (req.path === unparsedPath ? next() : parse(req, res, next)))
    app.get(probePaths.ready, own.health()).get(probePaths.live, own.health({ probe: 'live' }))
    for (const route of contractRoutes) {
      const { path, mountedAt = '', methods = ['GET'], token, requirement, before = {} } = route
      const router = express.Router()
      for (const method of methods.map((name) => name.toLowerCase() as 'get' | 'post' | 'options')) {
        const routed = router.route(path.slice(mountedAt.length))[method]((_req, res, next) => {
          res.set(before)
          next()
        })
        if (route.routerGrants) routed[method](own.requireToken(), own.grant(...route.routerGrants))
        if (isGated(route)) routed[method](mcpGate(server, { requirement }).forExpress())
        else if (token === 'optional') routed[method](own.optionalToken(requirement))
        else if (token !== 'none') routed[method](own.requireToken(requirement))
        if (route.grants !== undefined) routed[method](own.grant(...route.grants))
        routed[method]((req, res) => {
          if (route.overwrites) Reflect.set(req, 'auth', forged)
          res.json(route.respond(isGated(route) ? authOf(Reflect.get(req, 'auth')) : own.authOf(req)))
        })
      }
      app.use(mountedAt, router)
    }
    app.use((error: unknown, req: Request, res: ExpressResponse, _next: unknown) => {
      if (isAuthError(error) && error.status !== 500) {
        sendNodeAnswer(res, server.refuse(error, authOf(Reflect.get(req, 'auth'))).answer)
        return
      }
      fault(error)
      res.sendStatus(500)
    })
    return listen(app)
  },
})

describeAdapterContract({
  name: 'MCP on Fastify 5',
  async start(server, grants, { second, fault }) {
    const app = Fastify({ forceCloseConnections: true })
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    await app.register(forFastify, { server, grants })
    await app.register((child, _options, done) => {
      child.register(forFastify, { server: second })
      done()
    })
    app.setErrorHandler((error, { raw }, reply) => {
      if (!isAuthError(error) || error.status === 500) {
        fault(error)
        throw error
      }
      reply.hijack()
      sendNodeAnswer(reply.raw, server.refuse(error, authOf(Reflect.get(raw, 'auth'))).answer)
    })
    app.get(probePaths.ready, app.health())
    app.get(probePaths.live, app.health({ probe: 'live' }))
    for (const route of contractRoutes) {
      const { requirement } = route
      await app.register((child, _options, done) => {
        addFastifyRoute(child, route, mcpGate(server, { requirement }))
        done()
      })
    }
    return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
})

function addFastifyRoute(app: FastifyInstance, route: ContractRoute, gate: ReturnType<typeof mcpGate>): void {
  const { path, methods = ['GET'], token = 'required', requirement, grants, before = {} } = route
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(before)
    done()
  })
  if (route.routerGrants) {
    app.addHook('onRequest', app.requireToken())
    app.addHook('onRequest', app.grant(...route.routerGrants))
  }
  const declared = { ...requirement, optional: token === 'optional', grants }
  app.route({
    method: [...methods],
    url: path,
    ...(isGated(route) && { preHandler: gate.forFastify() }),
    ...(!isGated(route) && token !== 'none' && { config: { portcullis: declared } }),
    handler: async (request) => {
      if (route.overwrites) Reflect.set(request.raw, 'auth', forged)
      return route.respond(isGated(route) ? authOf(Reflect.get(request.raw, 'auth')) : (request.auth ?? undefined))
    },
  })
}

describeAdapterContract({
  name: 'MCP on Koa 3',
  start(server, grants, { second, fault }) {
    const app = new Koa()
    app.silent = true
    const own = forKoa(server, { grants })
    app.on('error', fault)
    app.use(own.metadata()).use(forKoa(second).metadata())
    app.use(own.refusals())
    const router = new Router()
    router.get(probePaths.ready, own.health()).get(probePaths.live, own.health({ probe: 'live' }))
    for (const route of contractRoutes) {
      const { path, methods = ['GET'], token, requirement, before = {} } = route
      const chain: Koa.Middleware[] = [
        (ctx, next) => {
          ctx.set(before)
          return next()
        },
      ]
      if (route.routerGrants) chain.push(own.requireToken(), own.grant(...route.routerGrants))
      if (isGated(route)) chain.push(mcpGate(server, { requirement }).forKoa())
      else if (token === 'optional') chain.push(own.optionalToken(requirement))
      else if (token !== 'none') chain.push(own.requireToken(requirement))
      if (route.grants !== undefined) chain.push(own.grant(...route.grants))
      chain.push((ctx) => {
        if (route.overwrites) Reflect.set(ctx.state, 'auth', forged)
        ctx.body = route.respond(ctx.state['auth'])
      })
      router.register(path, [...methods], chain)
    }
    app.use(router.routes())
    return listen(app.callback())
  },
})

describeAdapterContract({
  name: 'MCP on Fetch',
  joinsFields: true,
  start(server, grants, { second, fault }) {
    const own = forFetch(server, { grants, connection })
    const other = forFetch(second)
    const handlers = new Map(
      contractRoutes.map((route) => {
        const { path, token, requirement, before = {} } = route
        const guarded = mcpGate(server, { requirement, connection }).forFetch((_request, { authInfo }) => {
          if (route.overwrites) Reflect.set(authInfo.extra.portcullis, 'subject', forged.subject)
          try {
            return Response.json(route.respond(authOf(authInfo)))
          } catch (error) {
            if (!isAuthError(error)) throw error
            const { status, headers, body } = server.refuse(error, authOf(authInfo)).answer
            return new Response(body, { status, headers: headers as Record<string, string> })
          }
        })
        const required = own.withAuth({ ...requirement, grants: route.grants }, (request) =>
          Response.json(route.respond(own.authOf(request))),
        )
        const outer = own.requireToken({ grants: route.routerGrants })
        const identify = own.optionalToken(requirement)
        const handle = async (request: globalThis.Request): Promise<Response> => {
          if (token === 'none') return Response.json(route.respond(undefined))
          if (route.routerGrants) {
            const admitted = await outer(request)
            return admitted.ok ? required(request) : admitted.response
          }
          if (token !== 'optional') return isGated(route) ? guarded(request) : required(request)
          const result = await identify(request)
          return result.ok ? Response.json(route.respond(result.auth), { headers: result.headers }) : result.response
        }
        return [path, async (request: globalThis.Request) => withFields(await handle(request), before)] as const
      }),
    )
    const [ready, live] = [own.health(), own.health({ probe: 'live' })]
    handlers.set(probePaths.ready, async () => ready()).set(probePaths.live, async () => live())
    const answer = async (request: globalThis.Request): Promise<Response> => {
      const metadata = (await own.metadata(request)) ?? (await other.metadata(request))
      const handle = handlers.get(new URL(request.url).pathname)
      return metadata ?? handle?.(request) ?? new Response(null, { status: 404 })
    }
    return serveFetch((request) =>
      answer(request).catch((error: unknown) => {
        fault(error)
        return new Response(null, { status: 500 })
      }),
    )
  },
})

function withFields(response: Response, before: Readonly<Record<string, string>>): Response {
  const headers = new Headers(before)
  response.headers.forEach((value, name) => {
    headers.append(name, value)
  })
  return new Response(response.body, { status: response.status, headers })
}
