import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import { createResourceServer } from 'portcullis'
import { portcullis as forExpress } from 'portcullis/express'
import { portcullis as forFastify } from 'portcullis/fastify'
import { portcullis as forKoa } from 'portcullis/koa'
import request from 'supertest'
import { describe, expect, it } from 'vitest'

const server = createResourceServer({ resource: 'https://api.test', issuer: 'https://issuer.test' })
const preflight = { origin: 'https://page.test', 'access-control-request-method': 'GET' }

type Served = Parameters<typeof request>[0]

/** An application with a guard on every request, which hands refusals on or answers them itself. */
const applications: Readonly<Record<string, (handsOn: boolean) => Promise<Served>>> = {
  async Express(handsOn) {
    const { requireToken } = forExpress(server, { onError: handsOn ? 'next' : 'answer' })
    const app = express().use(requireToken())
    app.use((_error: unknown, _req: express.Request, res: express.Response, _next: unknown) => void res.sendStatus(418))
    return app
  },
  async Koa(handsOn) {
    const { requireToken } = forKoa(server, { onError: handsOn ? 'throw' : 'answer' })
    const app = new Koa()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch {
        ctx.status = 418
      }
    })
    return app.use(requireToken()).callback()
  },
  async Fastify(handsOn) {
    const app = Fastify()
    await app.register(forFastify, { server, onError: handsOn ? 'throw' : 'answer' })
    app.setErrorHandler((_error, _request, reply) => reply.code(418).send())
    app.route({ method: ['GET', 'OPTIONS'], url: '/', config: { portcullis: {} }, handler: () => 'never' })
    await app.ready()
    return app.server
  },
}

describe.each(Object.entries(applications))('a guard of %s', (_name, make) => {
  it('answers a refusal by itself where it is told to, with its challenge', async () => {
    const answer = await request(await make(false)).get('/')
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Bearer /)])
  })

  it('hands on refusals alone, and answers a preflight, which is none', async () => {
    const app = await make(true)
    expect((await request(app).get('/')).status).toBe(418)
    expect((await request(app).options('/').set(preflight)).status).toBe(204)
  })
})
