import Router from '@koa/router'
import Koa, { type Context } from 'koa'
import {
  ConfigurationError,
  createResourceServer,
  InsufficientScopeError,
  type ResourceServer,
  type ResourceServerOptions,
} from 'portcullis'
import type { ExactResponse } from 'portcullis/adapter-testing'
import { portcullis } from 'portcullis/koa'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { ask } from '../support/ask.js'

const issuer = createTestIssuer({ audience: ['https://api.example.com/a', 'https://api.example.com/b'] })
const challenge = 'Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/a"'

function makeServer(options: Partial<ResourceServerOptions> = {}): ResourceServer {
  return createResourceServer({
    resource: 'https://api.example.com/a',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: 'off',
    ...options,
  })
}

function send(app: Pick<Koa, 'callback'>, token?: string, path = '/'): Promise<ExactResponse> {
  return ask(app.callback(), path, token)
}

function silentApp(): Koa {
  const app = new Koa()
  app.silent = true
  return app
}

afterAll(() => issuer.close())

describe('authOf', () => {
  it('[REAL-40] says what to write where `metadata` is mounted without being called', () => {
    const metadata: (...given: unknown[]) => unknown = portcullis(makeServer()).metadata
    expect(() => metadata({}, {}, () => {})).toThrow('Write `app.use(gate.metadata())`')
  })

  it('[ADP-05] gives whom a guard has found, and nothing that others put into its place', async () => {
    const gate = portcullis(makeServer())
    const seen: unknown[] = []
    const app = silentApp()
      .use((ctx, next) => {
        ctx.state['auth'] = { subject: 'root' }
        seen.push(gate.authOf(ctx))
        return next()
      })
      .use(gate.requireToken())
      .use((ctx) => {
        seen.push(gate.authOf(ctx)?.subject)
        ctx.body = 'ok'
      })
    await send(app, issuer.mintToken({ sub: 'alice' }))
    expect(seen).toEqual([undefined, 'alice'])
  })
})

describe('ctx.state.auth', () => {
  it('[ADP-05] is read-only', async () => {
    const { requireToken } = portcullis(makeServer())
    const app = silentApp().use(requireToken())
    app.use((ctx) => {
      expect(() => Object.assign(ctx.state, { auth: 'forged' })).toThrow(TypeError)
      ctx.body = ctx.state.auth.subject
    })
    expect((await send(app, issuer.mintToken({ sub: 'alice' }))).body).toBe('alice')
  })

  it('[ADP-05] is reset before anything else, so that nobody can plant an identity', async () => {
    const { optionalToken } = portcullis(makeServer())
    const app = silentApp()
    app.use((ctx: Context, next) => {
      ctx.state['auth'] = { subject: 'forged' }
      return next()
    })
    app.use(optionalToken()).use((ctx) => {
      ctx.body = { subject: ctx.state.auth?.subject ?? null }
    })
    expect((await send(app)).body).toBe('{"subject":null}')
  })

  it('[ADP-05] is gone again when a later guard refuses', async () => {
    const { requireToken } = portcullis(makeServer(), { onError: 'throw' })
    const seen: unknown[] = []
    const app = silentApp()
    app.use(async (ctx: Context, next) => {
      await next().catch(({ status }: { status: number }) => {
        seen.push(ctx.state['auth'])
        ctx.status = status
      })
    })
    app.use(requireToken()).use(requireToken({ scope: 'admin' }))
    expect((await send(app, issuer.mintToken())).status).toBe(403)
    expect(seen).toEqual([undefined])
  })
})

describe("the option `onError: 'throw'`", () => {
  it("[E-01] [ADP-02] lets Koa's own error handler answer with status and challenges", async () => {
    const app = silentApp()
    app.use((ctx, next) => {
      ctx.set('WWW-Authenticate', 'Basic realm="app"')
      return next()
    })
    app.use(portcullis(makeServer(), { onError: 'throw' }).requireToken())
    const response = await send(app)
    expect(response.status).toBe(401)
    expect(response.fields('WWW-Authenticate')).toEqual(['Basic realm="app"', challenge])
    expect(response.fields('Cache-Control')).toEqual(['no-store'])
  })
})

describe('refusals', () => {
  it('[E-14] leave other errors, and answers that have begun, to the application', async () => {
    const { requireToken, refusals } = portcullis(makeServer())
    const thrown = [new Error('of the application'), new InsufficientScopeError('write')]
    const received: unknown[] = []
    const app = silentApp().use(async (ctx, next) => {
      await next().catch((error) => {
        received.push(error)
        ctx.respond = false
        ctx.res.end('handled')
      })
    })
    app.use(refusals()).use(requireToken())
    app.use((ctx) => {
      if (ctx.path === '/begun') ctx.res.write('begun, ')
      throw thrown[received.length]
    })
    expect((await send(app, issuer.mintToken())).body).toBe('handled')
    expect((await send(app, issuer.mintToken(), '/begun')).body).toBe('begun, handled')
    expect(received).toEqual(thrown)
  })
})

describe('the gate', () => {
  it('answers in place of a body and a type that were set before', async () => {
    const app = silentApp()
    app.use((ctx, next) => {
      ctx.body = { early: true }
      return next()
    })
    app.use(portcullis(makeServer()).requireToken())
    const response = await send(app)
    expect([response.status, response.body, response.fields('Content-Type')]).toEqual([401, '', []])
  })

  it('[BEAR-03] finds a token in a form that a parser left in ctx.request.body', async () => {
    const resource = { resource: 'https://api.example.com/a', bearerMethods: ['header', 'body'] as const }
    const { requireToken } = portcullis(makeServer({ resource }))
    const app = silentApp()
    app.use((ctx, next) => {
      Object.assign(ctx.req, { method: 'POST' })
      ctx.req.headers['content-type'] = 'application/x-www-form-urlencoded'
      Object.assign(ctx.request, { body: { access_token: issuer.mintToken({ sub: 'alice' }) } })
      return next()
    })
    app.use(requireToken()).use((ctx) => {
      ctx.body = ctx.state.auth.subject
    })
    expect((await send(app)).body).toBe('alice')
  })

  it('[PRM-13] guards several resources, each with a gate of its own', async () => {
    const server = makeServer({ resource: ['https://api.example.com/a', 'https://api.example.com/b'] })
    expect(() => portcullis(server).requireToken()).toThrow(ConfigurationError)
    const { requireToken } = portcullis(server, { resource: 'https://api.example.com/b' })
    const router = new Router()
    router.get('/', requireToken(), (ctx) => {
      ctx.body = ctx.state.auth.resource
    })
    router.get('/own', requireToken({ resource: 'https://api.example.com/a' }), (ctx) => {
      ctx.body = ctx.state.auth.resource
    })
    const app = silentApp().use(router.routes())
    const token = issuer.mintToken()
    expect((await send(app, token)).body).toBe('https://api.example.com/b')
    expect((await send(app, token, '/own')).body).toBe('https://api.example.com/a')
  })

  it('refuses to declare grants without an engine to acquire them', () => {
    expect(() => portcullis(makeServer()).grant('https://calendar.test/')).toThrow(/createGrants/)
  })

  it('[ADP-08] hands to Koa what a faulty server throws', async () => {
    const broken: ResourceServer = {
      ...makeServer(),
      guard: () => () => Promise.reject(new Error('guard')),
      metadata: () => Promise.resolve(undefined),
    }
    const { requireToken, metadata } = portcullis(broken)
    expect((await send(silentApp().use(metadata()).use(requireToken()), 'x')).status).toBe(500)
  })
})
