import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import type { ResourceServer } from 'portcullis'
import { exchange } from 'portcullis/adapter-testing'
import { portcullis as forExpress } from 'portcullis/express'
import { portcullis as forFastify } from 'portcullis/fastify'
import { portcullis as forFetch } from 'portcullis/fetch'
import { portcullis as forKoa } from 'portcullis/koa'
import { authOf, mcpGate } from 'portcullis/mcp'
import { createDpopClient } from 'portcullis/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'
import { serveFetch } from '../support/serve-fetch.js'

const closing: (() => unknown)[] = []

async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const listening = createServer(handler).listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  closing.push(() => listening.close())
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

/** One application for each framework: a guard for all routes, and one of the route's own. */
const applications: Readonly<Record<string, (server: ResourceServer) => Promise<string>>> = {
  Express(server) {
    const { requireToken, authOf: callerOf } = forExpress(server)
    const app = express().use(requireToken())
    app.get('/x', requireToken({ scope: 'read' }), (req, res) => void res.json(callerOf(req)?.subject))
    return listen(app)
  },
  async Fastify(server) {
    const app = Fastify()
    await app.register(forFastify, { server })
    app.addHook('onRequest', app.requireToken())
    app.get('/x', { config: { portcullis: { scope: 'read' } } }, async ({ auth }) => JSON.stringify(auth.subject))
    closing.push(() => app.close())
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
  Koa(server) {
    const { requireToken } = forKoa(server)
    const app = new Koa().use(requireToken()).use(requireToken({ scope: 'read' }))
    app.use((ctx) => {
      ctx.body = JSON.stringify(ctx.state['auth'].subject)
    })
    return listen(app.callback())
  },
  async Fetch(server) {
    const { requireToken } = forFetch(server)
    const guards = [requireToken(), requireToken({ scope: 'read' })] as const
    const application = await serveFetch(async (request) => {
      const first = await guards[0](request)
      const second = first.ok ? await guards[1](request) : first
      return second.ok ? Response.json(second.auth.subject) : second.response
    })
    closing.push(application.close)
    return application.origin
  },
  'MCP behind Express'(server) {
    const app = express().use(forExpress(server).requireToken(), mcpGate(server).forExpress() as express.RequestHandler)
    app.get('/x', (req, res) => void res.json(authOf(Reflect.get(req, 'auth'))?.subject))
    return listen(app)
  },
}

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

describe.each(Object.entries(applications))('several guards on one request of %s', (_name, start) => {
  it('[DPOP-11] [DPOP-15] take one proof, which is then used up for any other request', async () => {
    const { issuer, server, clock } = createAttackedServer()
    const client = createDpopClient({ clock: clock.now })
    const origin = await start(server)
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const { authorization, dpop } = client.headers({ url: `${resource}/x`, accessToken })
    const request = { path: '/x', fields: [['Authorization', authorization] as const, ['DPoP', dpop] as const] }
    expect(await exchange(origin, request)).toMatchObject({ status: 200, body: '"user-1"' })
    const again = await exchange(origin, request)
    expect(again.status).toBe(401)
    expect(again.body).toContain('The DPoP proof was used before')
  })
})
