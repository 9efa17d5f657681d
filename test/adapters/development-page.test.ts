import 'reflect-metadata'
import Router from '@koa/router'
import { Controller, Get } from '@nestjs/common'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express from 'express'
// @ts-expect-error Express 4 comes without types; the adapter's are those of Express 5.
import express4 from 'express4'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { createResourceServer, type ResourceServer } from 'portcullis'
import { portcullis as forExpress } from 'portcullis/express'
import { portcullis as forFastify } from 'portcullis/fastify'
import { portcullis as forFetch } from 'portcullis/fetch'
import { type Inspector, inspector } from 'portcullis/inspector'
import { portcullis as forKoa } from 'portcullis/koa'
import { mcpGate } from 'portcullis/mcp'
import { RequireToken } from 'portcullis/nest'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, expect, it } from 'vitest'
import { expectWholePage, pageToken, readPage, resource, send } from '../support/inspected-api.js'
import { listenOnLoopback } from '../support/loopback-server.js'
import { connection, serveFetch } from '../support/serve-fetch.js'
import { createApplication } from './nest-harness.js'

const issuer = createTestIssuer()
afterAll(() => issuer.close())

interface Running {
  readonly origin: string
  close(): unknown
}

/** An application with the page, and behind it a guarded route, `/items/:id`. */
type Application = (server: ResourceServer, page: Inspector) => Promise<Running>

const requirement = { scope: 'write' }
const notFound = () => new Response('of the application', { status: 404 })

function onExpress(make: typeof express): Application {
  return (server, page) => {
    const app = make()
    app.use(page)
    app.get('/items/:id', forExpress(server).requireToken(requirement), (_req, res) => void res.send('ok'))
    return listenOnLoopback(app)
  }
}

function onNest(platform: () => ExpressAdapter | FastifyAdapter): Application {
  return async (server, page) => {
    class Items {
      find(): string {
        return 'ok'
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Items.prototype, 'find') as PropertyDescriptor
    for (const decorator of [RequireToken(requirement), Get(':id')]) decorator(Items.prototype, 'find', descriptor)
    Controller('items')(Items)
    const app = await createApplication({ server }, [Items], platform())
    app.use(page)
    await app.listen(0, '127.0.0.1')
    return { origin: await app.getUrl(), close: () => app.close() }
  }
}

const applications: readonly (readonly [name: string, route: string | undefined, start: Application])[] = [
  ['Express 5', '/items/:id', onExpress(express)],
  ['Express 4', '/items/:id', onExpress(express4)],
  [
    'Fastify',
    '/items/:id',
    async (server, page) => {
      // The aborted stream leaves `fetch` with a connection that never sends a request.
      const app = Fastify({ forceCloseConnections: true })
      await app.register(page.fastify)
      await app.register(forFastify, { server })
      app.get('/items/:id', { config: { portcullis: requirement } }, () => 'ok')
      return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
    },
  ],
  [
    'Koa',
    '/items/:id',
    async (server, page) => {
      const router = new Router().get('/items/:id', forKoa(server).requireToken(requirement), (ctx) => {
        ctx.body = 'ok'
      })
      return listenOnLoopback(new Koa().use(page.koa).use(router.routes()).callback())
    },
  ],
  [
    'Fetch',
    undefined,
    async (server, page) => {
      const guarded = forFetch(server, { connection }).withAuth(requirement, () => new Response('ok'))
      return serveFetch(async (request) => {
        const answer = await page.fetch(request, connection(request))
        return answer ?? (request.url.includes('/items/') ? guarded(request) : notFound())
      })
    },
  ],
  [
    'Hono',
    undefined,
    async (server, page) => {
      const guard = forFetch(server, { connection }).requireToken(requirement)
      const app = new Hono()
        .use(async (c, next) => (await page.fetch(c.req.raw, connection(c.req.raw))) ?? next())
        .get('/items/:id', async (c) => {
          const result = await guard(c.req.raw)
          return result.ok ? c.text('ok') : result.response
        })
      return serveFetch((request) => app.fetch(request))
    },
  ],
  ['NestJS on Express', '/items/:id', onNest(() => new ExpressAdapter())],
  ['NestJS on Fastify', '/items/:id', onNest(() => new FastifyAdapter())],
  [
    'MCP on Express',
    '/items/:id',
    (server, page) => {
      const app = express()
      app.use(page)
      app.get('/items/:id', mcpGate(server, { requirement }).forExpress(), (_req, res) => void res.send('ok'))
      return listenOnLoopback(app)
    },
  ],
  [
    'MCP on Fetch',
    undefined,
    async (server, page) => {
      const handle = mcpGate(server, { requirement, connection }).forFetch(() => Promise.resolve(new Response('ok')))
      return serveFetch(async (request) => {
        const answer = await page.fetch(request, connection(request))
        return answer ?? (request.url.includes('/items/') ? handle(request) : notFound())
      })
    },
  ],
]

it.each(applications)(
  'the development page works in %s, and shows what its adapter guards',
  async (_name, route, start) => {
    const server = createResourceServer({ resource, issuer: issuer.issuer, fetch: issuer.fetch })
    const page = inspector(server, { token: pageToken, announce: () => {} })
    const { origin, close } = await start(server, page)
    await expectWholePage(origin, issuer.mintToken())
    const authorization = `Bearer ${issuer.mintToken({ scope: 'read' })}`
    expect((await send(`${origin}/items/7?a=1`, { headers: { authorization } })).status).toBe(403)
    const { rows } = await readPage(origin, (got) => got.rows.some(({ kind }) => kind === 'request'))
    const [row] = rows.filter(({ kind }) => kind === 'request')
    expect(row).toMatchObject({
      target: '/items/7?a=…',
      outcome: 'refused',
      code: 'ERR_SCOPE_INSUFFICIENT',
      failed: 'scope',
      challenges: [{ scheme: 'Bearer' }],
    })
    expect(row).toHaveProperty('steps.length', 24)
    expect(row).toHaveProperty('token.claims', expect.arrayContaining([['scope', '"read"']]))
    expect((row as { route?: string }).route).toBe(route)
    page.close()
    await close()
  },
)
