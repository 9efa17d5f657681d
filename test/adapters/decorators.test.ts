import 'reflect-metadata'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import {
  type AuthError,
  ConfigurationError,
  createGrants,
  createResourceServer,
  InsufficientScopeError,
  isAuthError,
  MissingTokenError,
  ResourceAccessError,
  type ResourceServerOptions,
  StepUpRequiredError,
} from 'portcullis'
import { sendNodeAnswer } from 'portcullis/adapter'
import { type ExactResponse, exchange } from 'portcullis/adapter-testing'
import {
  currentAuth,
  Grant,
  Public,
  RequireScopes,
  RequireToken,
  runWithAuth,
  withCurrentAuth,
  withCurrentAuthInKoa,
} from 'portcullis/decorators'
import { portcullis } from 'portcullis/express'
import { portcullis as fastifyPlugin } from 'portcullis/fastify'
import { portcullis as forKoa } from 'portcullis/koa'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import * as legacy from '../decorators-legacy/controllers.js'
import * as standard from '../decorators-standard/controllers.js'

const { calendar } = standard
const issuer = createTestIssuer({ audience: ['https://api.example.com', 'https://api.example.com/b'] })
const closing: (() => unknown)[] = []

function makeServer(options: Partial<ResourceServerOptions> = {}) {
  return createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: 'off',
    ...options,
  })
}

const server = makeServer()
let exchangeFails = false
const grants = createGrants({
  client: {
    issuer: issuer.issuer,
    clientId: 'gateway',
    async exchangeToken() {
      if (exchangeFails) throw new Error('down')
      const issuedTokenType = 'urn:ietf:params:oauth:token-type:access_token'
      return { accessToken: 'downstream', tokenType: 'Bearer', expiresAt: undefined, scope: [], issuedTokenType }
    },
  },
})

/** Runs `work` for a caller with these claims. */
async function as<Result>(claims: Record<string, unknown>, work: () => Promise<Result> | Result): Promise<Result> {
  const auth = await server.verify(issuer.mintToken(claims))
  return runWithAuth(server, auth, work, { grants })
}

function anonymously<Result>(work: () => Result): Result {
  return runWithAuth(server, undefined, work)
}

afterEach(async () => {
  exchangeFails = false
  await Promise.all(closing.splice(0).map((close) => close()))
})
afterAll(() => issuer.close())

describe.each([
  ['standard', standard],
  ['legacy', legacy],
] as const)('%s decorators', (_kind, { Reports, AdminReports, Mixed, Site }) => {
  const reports = new Reports()

  it('let a caller through who meets the requirement of the class, with `this` and parameters', async () => {
    expect(await as({ sub: 'alice', scope: 'read' }, () => reports.list('a', 'b'))).toBe('reports of alice: a,b')
  })

  it('[E-01] [E-05] reject with the refusal', async () => {
    await expect(anonymously(() => reports.list())).rejects.toBeInstanceOf(MissingTokenError)
    await expect(as({ scope: 'other' }, () => reports.list())).rejects.toBeInstanceOf(InsufficientScopeError)
  })

  it('[MCP-08] add up what class and method demand, in one challenge', async () => {
    const refused = as({ scope: 'read', acr: 'gold' }, () => reports.create())
    await expect(refused).rejects.toMatchObject({ scope: 'read write' })
    await expect(as({ scope: 'read write' }, () => reports.create())).rejects.toBeInstanceOf(StepUpRequiredError)
    expect(await as({ scope: 'read write', acr: 'gold' }, () => reports.create())).toBe('created')
  })

  it('leave a public method as it is, synchronous and outside of any request', () => {
    expect(reports.ping('you')).toBe('reports pong you')
    expect(reports.notes).toBe('an accessor is not a method')
  })

  it('guard inherited methods for the subclass alone', async () => {
    const admin = new AdminReports()
    await expect(as({ scope: 'read' }, () => admin.list())).rejects.toMatchObject({ scope: 'admin read' })
    expect(await as({ sub: 'root', scope: 'admin read' }, () => admin.list('x'))).toBe('reports of root: x')
    expect(await as({ sub: 'bob', scope: 'read' }, () => reports.list())).toBe('reports of bob: ')
  })

  it('guard a single method of a class without decorator', async () => {
    const mixed = new Mixed()
    expect(mixed.open()).toBe('open')
    await expect(anonymously(() => mixed.closed())).rejects.toBeInstanceOf(MissingTokenError)
    expect(await as({ sub: 'eve' }, () => mixed.closed())).toBe('closed to eve')
  })

  it('open a class but for the method that says otherwise', async () => {
    const site = new Site()
    expect(site.home()).toBe('home')
    await expect(anonymously(() => site.account())).rejects.toBeInstanceOf(MissingTokenError)
    expect(await as({}, () => site.account())).toBe('account')
  })

  it('acquire downstream tokens before the method runs', async () => {
    expect(await as({ scope: 'read' }, () => reports.events())).toBe('downstream')
    exchangeFails = true
    await expect(as({ scope: 'read', sub: 'other' }, () => reports.events())).rejects.toBeInstanceOf(
      ResourceAccessError,
    )
  })

  it('leave the class of an object what it is, and its methods to be replaced by tests', () => {
    expect(reports.constructor).toBe(Reports)
    const replaced = new Reports()
    expect(Object.getOwnPropertyDescriptor(Reports.prototype, 'list')).toMatchObject({
      ...{ writable: true, configurable: true },
    })
    Object.assign(replaced, { list: () => 'replaced' })
    expect(replaced.list()).toBe('replaced')
  })

  it('refuse to run outside of a request', async () => {
    await expect(new Mixed().closed()).rejects.toThrow("'closed' was called outside of a request")
    await expect(reports.list()).rejects.toThrow(
      "'list' was called outside of a request: mount withCurrentAuth(server).",
    )
    expect(currentAuth()).toBeUndefined()
  })

  it('keep name and length of the method, which frameworks look at', () => {
    expect([reports.events.name, reports.ping.name, reports.ping.length, reports.list.length]).toEqual([
      'events',
      'ping',
      1,
      0,
    ])
  })
})

describe('parameters of the type AccessContext', () => {
  it('[S3-15] are injected, whatever the caller passed', async () => {
    const injected = new legacy.Injected()
    const nothing = undefined as never
    expect(await as({}, () => injected.events('a ', nothing))).toBe('a downstream!')
    expect(await as({}, () => injected.events('a ', nothing, '?'))).toBe('a downstream?')
    expect(await as({}, () => new legacy.InjectedByClass().events(nothing))).toBe('success')
  })
})

describe('one function for both kinds', () => {
  it('has the same controllers under test, but for what only one kind can', () => {
    const read = (kind: string) =>
      readFileSync(join(import.meta.dirname, `../decorators-${kind}/controllers.ts`), 'utf8')
    expect(read('legacy')).toContain(read('standard'))
  })

  it('refuses what contradicts itself at once', () => {
    class Odd {
      async method(): Promise<void> {}
    }
    const decorate = (decorator: typeof Public extends () => infer D ? D : never) =>
      decorator(Odd.prototype, 'method', Object.getOwnPropertyDescriptor(Odd.prototype, 'method') as never)
    const twice = () => {
      const descriptor = Object.getOwnPropertyDescriptor(Odd.prototype, 'method') as never
      Public()(Odd.prototype, 'method', descriptor)
      RequireToken()(Odd.prototype, 'method', descriptor)
    }
    expect(() => decorate(Public())).not.toThrow()
    expect(twice).toThrow("'method' is declared both public and required: say one.")
  })

  it('says what is wrong with a requirement at the first call', async () => {
    class Wrong {
      async method(): Promise<void> {}
    }
    RequireScopes()(Wrong)
    await expect(as({}, () => new Wrong().method())).rejects.toBeInstanceOf(ConfigurationError)
    class NoEngine {
      async method(): Promise<void> {}
    }
    Grant(calendar)(NoEngine)
    const auth = await server.verify(issuer.mintToken())
    await expect(runWithAuth(server, auth, () => new NoEngine().method())).rejects.toThrow('needs the grant engine')
  })

  it('works without reflect-metadata', async () => {
    const { getMetadata } = Reflect
    Reflect.set(Reflect, 'getMetadata', undefined)
    try {
      class Plain {
        async method(): Promise<string> {
          return 'done'
        }
      }
      RequireToken()(Plain)
      expect(await as({}, () => new Plain().method())).toBe('done')
    } finally {
      Reflect.set(Reflect, 'getMetadata', getMetadata)
    }
  })
})

describe('withCurrentAuth', () => {
  const mixed = new standard.Mixed()
  const reports = new standard.Reports()
  const ask = (origin: string, claims?: Record<string, unknown>): Promise<ExactResponse> =>
    exchange(origin, { path: '/', fields: claims ? [['Authorization', `Bearer ${issuer.mintToken(claims)}`]] : [] })

  async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
    const listening = createServer(handler as never).listen(0, '127.0.0.1')
    await new Promise((resolve) => listening.once('listening', resolve))
    closing.push(() => new Promise((resolve) => listening.close(resolve)))
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
  }

  async function expectGuarded(origin: string): Promise<void> {
    expect((await ask(origin, { sub: 'alice' })).body).toBe('closed to alice')
    const refused = await ask(origin)
    expect(refused.status).toBe(401)
    expect(refused.fields('WWW-Authenticate')).toHaveLength(1)
    const both = await Promise.all(['a', 'b', 'c'].map((sub) => ask(origin, { sub })))
    expect(both.map(({ body }) => body)).toEqual(['closed to a', 'closed to b', 'closed to c'])
  }

  function expressApp(): express.Express {
    const app = express()
    app.use(portcullis(server).optionalToken())
    app.use(withCurrentAuth(server))
    return app
  }

  function answerRefusals(app: express.Express): express.Express {
    return app.use((error: unknown, _req: express.Request, res: express.Response, next: express.NextFunction) =>
      isAuthError(error) ? sendNodeAnswer(res, server.refuse(error, currentAuth()).answer) : next(error),
    )
  }

  it('[ADP-05] knows the caller in Express', async () => {
    const app = expressApp()
    app.get('/', async (_req, res) => void res.send(await mixed.closed()))
    await expectGuarded(await listen(answerRefusals(app)))
  })

  it('[ADP-05] knows the caller in Fastify, after the body was parsed too', async () => {
    const app = Fastify()
    await app.register(fastifyPlugin, { server })
    app.addHook('onRequest', app.optionalToken())
    app.addHook('preHandler', withCurrentAuth(server))
    app.get('/', () => mixed.closed())
    app.setErrorHandler((error: AuthError, request, reply) => {
      sendNodeAnswer(reply.hijack().raw, server.refuse(error, request.auth ?? undefined).answer)
    })
    closing.push(() => app.close())
    await expectGuarded(await app.listen({ port: 0, host: '127.0.0.1' }))
  })

  it('[ADP-05] knows the caller in Koa', async () => {
    const app = new Koa()
    app.use(async (ctx, next) => {
      await next().catch((error: AuthError) => {
        ctx.respond = false
        sendNodeAnswer(ctx.res, server.refuse(error, ctx.state['auth']).answer)
      })
    })
    app.use(forKoa(server).optionalToken())
    app.use(withCurrentAuthInKoa(server))
    app.use(async (ctx) => {
      ctx.body = await mixed.closed()
    })
    await expectGuarded(await listen(app.callback()))
  })

  it('[E-05] answers a refusal with the challenge a guard would send', async () => {
    const app = expressApp()
    app.get('/', async (_req, res) => void res.send(await reports.list()))
    const response = await ask(await listen(answerRefusals(app)), { scope: 'other' })
    expect(response.status).toBe(403)
    expect(response.fields('WWW-Authenticate')[0]).toContain('error="insufficient_scope"')
    expect(response.fields('WWW-Authenticate')[0]).toContain('scope="read"')
  })

  it('[ADP-05] takes nobody for a caller whom no guard of ours has let through', async () => {
    const app = express()
    app.use((req, _res, next) => {
      Object.assign(req, { auth: { subject: 'forged', token: 'x' } })
      next()
    })
    app.use(withCurrentAuth(server))
    app.get('/', async (_req, res) => void res.send(await mixed.closed()))
    expect((await ask(await listen(answerRefusals(app)))).status).toBe(401)
  })

  it('takes a resource for requirements that name none', async () => {
    const several = makeServer({ resource: ['https://api.example.com', 'https://api.example.com/b'] })
    const auth = await several.verify(issuer.mintToken({ scope: 'read' }), { resource: 'https://api.example.com/b' })
    const call = () => reports.list()
    const resource = 'https://api.example.com/b'
    expect(await runWithAuth(several, auth, call, { resource })).toContain('reports of')
    await expect(runWithAuth(several, auth, call)).rejects.toBeInstanceOf(ConfigurationError)
  })
})
