import 'reflect-metadata'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import { Controller, Get } from '@nestjs/common'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { routePath } from 'hono/route'
import Koa from 'koa'
import { createResourceServer, type ResourceServer } from 'portcullis'
import { portcullis as expressGate } from 'portcullis/express'
import { portcullis as fastifyGate } from 'portcullis/fastify'
import { portcullis as fetchGate } from 'portcullis/fetch'
import { portcullis as koaGate } from 'portcullis/koa'
import { mcpGate } from 'portcullis/mcp'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, expect, it } from 'vitest'
import { serveFetch } from '../support/serve-fetch.js'
import { createApplication } from './nest-harness.js'

const issuer = createTestIssuer()
const stops: (() => unknown)[] = [() => issuer.close()]
afterAll(() => Promise.all(stops.map((stop) => stop())))

/** What the event of a request to `/users/5` says of its place. */
async function placeAt(start: (server: ResourceServer) => Promise<RequestListener | string>) {
  const places: object[] = []
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    onEvent: (event) => {
      if (event.type === 'auth.accepted') places.push([event.method, event.route, event.requestId])
    },
  })
  const started = await start(server)
  const origin = typeof started === 'string' ? started : await listen(started)
  const answer = await fetch(`${origin}/users/5?x=1`, { headers: { authorization: `Bearer ${issuer.mintToken()}` } })
  expect(answer.status).toBe(200)
  return places
}

async function listen(listener: RequestListener): Promise<string> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  stops.push(() => http.close())
  await new Promise((resolve) => http.once('listening', resolve))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

it('[REAL-44] Express tells the pattern of the route, below its router', async () => {
  const places = await placeAt(async (server) => {
    const router = express.Router().get('/:id', expressGate(server).requireToken(), (_req, res) => void res.send('ok'))
    return express().use('/users', router)
  })
  expect(places).toEqual([['GET', '/users/:id', undefined]])
})

it('[REAL-44] Fastify tells the pattern of the route and the id of the request', async () => {
  const places = await placeAt(async (server) => {
    const app = Fastify({ genReqId: () => 'req-a' })
    stops.push(() => app.close())
    await app.register(fastifyGate, { server })
    app.get('/users/:id', { config: { portcullis: {} } }, () => 'ok')
    return app.listen({ port: 0, host: '127.0.0.1' })
  })
  expect(places).toEqual([['GET', '/users/:id', 'req-a']])
})

it('[REAL-44] Koa tells the pattern of the route of its router', async () => {
  const places = await placeAt(async (server) => {
    const router = new Router().get('/users/:id', koaGate(server).requireToken(), (ctx) => {
      ctx.body = 'ok'
    })
    return new Koa().use(router.routes()).callback()
  })
  expect(places).toEqual([['GET', '/users/:id', undefined]])
})

it('[REAL-44] MCP tells what the framework below it does', async () => {
  const places = await placeAt(async (server) =>
    express().get('/users/:id', mcpGate(server).forExpress(), (_req, res) => void res.send('ok')),
  )
  expect(places).toEqual([['GET', '/users/:id', undefined]])
})

it.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter({ genReqId: () => 'req-a' })],
] as const)('[REAL-44] NestJS on %s tells the pattern of the route', async (name, platform) => {
  class Users {
    find(): string {
      return 'ok'
    }
  }
  Get(':id')(Users.prototype, 'find', Object.getOwnPropertyDescriptor(Users.prototype, 'find') as PropertyDescriptor)
  Controller('users')(Users)
  const places = await placeAt(async (server) => {
    const app = await createApplication({ server }, [Users], platform())
    stops.push(() => app.close())
    await app.listen(0, '127.0.0.1')
    return app.getUrl()
  })
  expect(places).toEqual([['GET', '/users/:id', name === 'Fastify' ? 'req-a' : undefined]])
})

it('[REAL-44] Hono and Fetch tell what they are given: for one guard, or for all of a gate', async () => {
  const places = await placeAt(async (server) => {
    const guard = fetchGate(server).requireToken()
    const app = new Hono().get(
      '/users/:id',
      async (c, next) => {
        const result = await guard(c.req.raw, { route: () => routePath(c, -1), requestId: () => 'req-a' })
        return result.ok ? next() : result.response
      },
      (c) => c.text('ok'),
    )
    const { origin, close } = await serveFetch((request) => app.fetch(request))
    stops.push(close)
    return origin
  })
  expect(places).toEqual([['GET', '/users/:id', 'req-a']])
  const ofGate = await placeAt(async (server) => {
    const gate = fetchGate(server, { connection: () => ({ route: () => '/users/[id]' }) })
    const { origin, close } = await serveFetch(gate.withAuth({}, () => new Response('ok')))
    stops.push(close)
    return origin
  })
  expect(ofGate).toEqual([['GET', '/users/[id]', undefined]])
})
