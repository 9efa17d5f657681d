import 'reflect-metadata'
import {
  Catch,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Module,
  type Type,
  UseGuards,
} from '@nestjs/common'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import {
  ConfigurationError,
  createGrants,
  createResourceServer,
  InsufficientScopeError,
  InternalError,
  type ResourceServerOptions,
  type Auth as VerifiedAuth,
} from 'portcullis'
import { type ExactResponse, exchange } from 'portcullis/adapter-testing'
import {
  Access,
  Auth,
  authOf,
  Claims,
  Grant,
  OptionalToken,
  PortcullisModule,
  type PortcullisModuleOptions,
  Public,
  RefusalException,
  RequireScopes,
  RequireToken,
} from 'portcullis/nest'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createGates } from '../../adapters/nest/gates.js'
import { PortcullisGuard } from '../../adapters/nest/guard.js'
import { ask } from '../support/ask.js'
import { createApplication } from './nest-harness.js'

const issuer = createTestIssuer({ audience: ['https://api.example.com/a', 'https://api.example.com/b'] })
const running: INestApplication[] = []
const calendar = 'https://calendar.test'

function makeServer(options: Partial<ResourceServerOptions> = {}) {
  return createResourceServer({
    resource: 'https://api.example.com/a',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: 'off',
    ...options,
  })
}

const grants = createGrants({
  client: {
    issuer: issuer.issuer,
    clientId: 'gateway',
    exchangeToken: async () => ({
      accessToken: 'downstream',
      tokenType: 'Bearer',
      expiresAt: undefined,
      scope: [],
      issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    }),
  },
})

type Handler = (...parameters: never[]) => unknown
interface Route {
  readonly handler: Handler
  readonly decorators?: readonly MethodDecorator[]
  readonly parameters?: readonly ParameterDecorator[]
}

/** A controller as the compiler would make it of decorated source. */
function controller(routes: Readonly<Record<string, Route>>, ...decorators: ClassDecorator[]): Type {
  const made = class {}
  for (const [name, { handler, decorators: own = [], parameters = [] }] of Object.entries(routes)) {
    Object.defineProperty(made.prototype, name, { value: handler, configurable: true, writable: true })
    const descriptor = Object.getOwnPropertyDescriptor(made.prototype, name) as PropertyDescriptor
    for (const decorator of [Get(name), ...own]) decorator(made.prototype, name, descriptor)
    parameters.forEach((parameter, index) => {
      parameter(made.prototype, name, index)
    })
  }
  for (const decorator of [...decorators].reverse()) decorator(made)
  Controller()(made)
  return made
}

async function listen(app: INestApplication): Promise<(path: string, claims?: object) => Promise<ExactResponse>> {
  running.push(app)
  await app.listen(0, '127.0.0.1')
  return (path, claims) => ask(app.getHttpServer(), path, claims && issuer.mintToken(claims as Record<string, unknown>))
}

async function serve(controllers: Type[], options: Partial<PortcullisModuleOptions> = {}) {
  return listen(
    await createApplication({ server: makeServer(), grants, ...options }, controllers, new ExpressAdapter()),
  )
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()))
})
afterAll(() => issuer.close())

/** A new one for each route: metadata is kept by function. */
const ok = (): Handler => () => 'ok'

describe('decorators', () => {
  it('demand a token where there is none, and add up the scopes of class and method', async () => {
    const ask = await serve([
      controller(
        {
          plain: { handler: ok() },
          scoped: { handler: ok(), decorators: [RequireScopes('write'), RequireToken({ scope: 'more' })] },
          open: { handler: ok(), decorators: [Public()] },
          maybe: {
            handler: (auth: VerifiedAuth | undefined) => ({ who: auth?.subject ?? null }),
            decorators: [OptionalToken()],
            parameters: [Auth()],
          },
        },
        RequireScopes('read'),
      ),
    ])
    expect((await ask('/plain')).status).toBe(401)
    expect((await ask('/plain', { scope: 'read' })).status).toBe(200)
    const refused = await ask('/scoped', { scope: 'write' })
    expect(refused.status).toBe(403)
    expect(refused.fields('WWW-Authenticate')[0]).toContain('scope="read more write"')
    expect((await ask('/scoped', { scope: 'read write more' })).status).toBe(200)
    expect((await ask('/open')).body).toBe('ok')
    expect((await ask('/maybe')).body).toBe('{"who":null}')
    expect((await ask('/maybe', { sub: 'bob', scope: 'read' })).body).toBe('{"who":"bob"}')
  })

  it('open a whole class but for the handlers that say otherwise', async () => {
    const ask = await serve([
      controller({ open: { handler: ok() }, closed: { handler: ok(), decorators: [RequireToken()] } }, Public()),
    ])
    expect((await ask('/open')).status).toBe(200)
    expect((await ask('/closed')).status).toBe(401)
  })

  it('are inherited by a subclass, whose own add to them or open it', async () => {
    const base = controller({ me: { handler: ok() } }, RequireScopes('read'))
    const stricter = class extends base {
      noRoute(): void {}
    }
    RequireScopes('write')(stricter)
    Controller('stricter')(stricter)
    const open = class extends base {}
    Public()(open)
    Controller('open')(open)
    const ask = await serve([base, stricter, open])
    expect((await ask('/stricter/me', { scope: 'write' })).fields('WWW-Authenticate')[0]).toContain('"write read"')
    expect((await ask('/stricter/me', { scope: 'read write' })).status).toBe(200)
    expect((await ask('/open/me')).status).toBe(200)
    expect((await ask('/me')).status).toBe(401)
  })

  it('inject the caller, the claims and the access to other services', async () => {
    const ask = await serve([
      controller(
        {
          me: {
            handler: (auth: VerifiedAuth, claims: object, email: string) => [auth.subject, 'iss' in claims, email],
            parameters: [Auth(), Claims(), Claims('email')],
          },
          events: {
            handler: (access: VerifiedAuth['access']) => access.token(calendar),
            parameters: [Access()],
            decorators: [Grant(calendar)],
          },
        },
        Grant(),
      ),
    ])
    const me = await ask('/me', { sub: 'alice', email: 'a@example.com' })
    expect(JSON.parse(me.body)).toEqual(['alice', true, 'a@example.com'])
    expect((await ask('/events', {})).body).toBe('downstream')
    expect((await ask('/events')).status).toBe(401)
  })

  it('tell guards, interceptors and others that run after ours who calls', async () => {
    const seen: unknown[] = []
    class Later {
      canActivate(context: ExecutionContext): boolean {
        const request = context.switchToHttp().getRequest()
        seen.push(authOf(context)?.subject, authOf(request)?.subject, request.auth?.subject)
        return true
      }
    }
    const ask = await serve([
      controller({
        me: { handler: ok(), decorators: [UseGuards(new Later())] },
        open: { handler: ok(), decorators: [Public(), UseGuards(new Later())] },
      }),
    ])
    await ask('/me', { sub: 'alice' })
    await ask('/open', { sub: 'alice' })
    expect(seen).toEqual(['alice', 'alice', 'alice', undefined, undefined, undefined])
    expect(authOf({ auth: { subject: 'forged' } })).toBeUndefined()
  })

  it('inject nothing where nobody was asked for a token', async () => {
    const ask = await serve([
      controller({
        open: {
          handler: (...injected: unknown[]) => injected.map((one) => one === undefined),
          parameters: [Auth(), Claims(), Claims('sub'), Access()],
          decorators: [Public()],
        },
      }),
    ])
    expect((await ask('/open', {})).body).toBe('[true,true,true,true]')
  })

  it('contradict each other at once', () => {
    expect(() => controller({ a: { handler: () => 'a', decorators: [Public(), RequireToken()] } })).toThrow(
      "'a' is declared both public and required: say one.",
    )
    expect(() => controller({}, Public(), OptionalToken())).toThrow(ConfigurationError)
  })

  it('are checked when the application starts', async () => {
    const wrong = controller({ a: { handler: () => 'a', decorators: [RequireScopes()] } })
    const started = await createApplication({ server: makeServer(), grants }, [wrong], new ExpressAdapter())
    await expect(started.init()).rejects.toBeInstanceOf(ConfigurationError)
    const noEngine = controller({ a: { handler: () => 'c', decorators: [Grant(calendar)] } })
    const app = await createApplication({ server: makeServer() }, [noEngine], new ExpressAdapter())
    await expect(app.init()).rejects.toThrow('`grant` needs the grant engine')
  })
})

describe('@Grant where there is no caller', () => {
  const grant = Grant(calendar)
  const open = { handler: ok(), decorators: [Public()] }
  const classOf = (...decorators: ClassDecorator[]) => controller({ open: { handler: ok() } }, ...decorators)
  const childOf = (base: Type, ...decorators: ClassDecorator[]): Type => {
    const child = class extends base {}
    for (const decorator of [...decorators, Controller()]) decorator(child)
    return child
  }

  it.each([
    ['a handler that says both', controller({ a: { handler: ok(), decorators: [Public(), grant] } })],
    ['a handler of a class that is open', controller({ a: { handler: ok(), decorators: [grant] } }, Public())],
    ['a class that says both', classOf(Public(), grant)],
    ['a class that says both the other way round', classOf(grant, Public())],
    ['a class that inherits both', childOf(classOf(Public(), grant))],
    ['a class that adds it to an open one', childOf(classOf(Public()), grant)],
  ])('stops the start by %s', async (_, wrong) => {
    const app = await createApplication({ server: makeServer(), grants }, [wrong], new ExpressAdapter())
    await expect(app.init()).rejects.toThrow('no caller to acquire `@Grant` for')
  })

  it.each([
    ['a handler opens itself below a class with grants', controller({ open }, grant)],
    ['a class opens what it inherits', childOf(classOf(grant), Public())],
    ['each handler of an open class says what it demands', controller({ open }, Public(), grant)],
  ])('lets it be where %s', async (_, one) => {
    const ask = await serve([one])
    expect((await ask('/open')).status).toBe(200)
  })
})

describe('the module', () => {
  it.each([
    ['Express', () => new ExpressAdapter()],
    ['Fastify', () => new FastifyAdapter()],
  ] as const)(
    '[PRM-13] [MCP-03] serves the metadata at the origin root beside a global prefix on %s',
    async (_, platform) => {
      const app = await createApplication({ server: makeServer() }, [controller({ me: { handler: ok() } })], platform())
      app.setGlobalPrefix('v1')
      const ask = await listen(app)
      expect(JSON.parse((await ask('/.well-known/oauth-protected-resource/a')).body).resource).toBe(
        'https://api.example.com/a',
      )
      expect((await ask('/v1/.well-known/oauth-protected-resource/a')).status).toBe(404)
      expect((await ask('/v1/me', {})).status).toBe(200)
    },
  )

  it.each([
    ['Express', () => new ExpressAdapter()],
    ['Fastify', () => new FastifyAdapter()],
  ] as const)('[ADP-03] leaves preflights and its fields on refusals to enableCors() on %s', async (_, platform) => {
    const app = await createApplication({ server: makeServer() }, [controller({ me: { handler: ok() } })], platform())
    app.enableCors({ origin: 'https://app.example' })
    const ask = await listen(app)
    const refused = await ask('/me')
    expect([refused.status, refused.fields('Access-Control-Allow-Origin')]).toEqual([401, ['https://app.example']])
    const fields = [
      ['Origin', 'https://app.example'],
      ['Access-Control-Request-Method', 'GET'],
    ] as const
    const preflight = await exchange(await app.getUrl(), { method: 'OPTIONS', path: '/me', fields })
    expect([preflight.status, preflight.fields('Access-Control-Allow-Methods')]).toEqual([204, [expect.any(String)]])
  })

  it('[PRM-09] waits for metadata that is being signed, and can leave the metadata to others', async () => {
    const sign = async () => 'a.b.c'
    const server = makeServer({ resource: { resource: 'https://api.example.com/a', metadata: { sign } } })
    const ask = await serve([], { server })
    expect(JSON.parse((await ask('/.well-known/oauth-protected-resource/a')).body).signed_metadata).toBe('a.b.c')
    const without = await serve([], { metadata: false })
    expect((await without('/.well-known/oauth-protected-resource/a')).status).toBe(404)
  })

  it('answers probes and serves the metadata, or leaves the metadata to others', async () => {
    const document = '/.well-known/oauth-protected-resource/a'
    const health = { ready: '/readyz', live: '/livez', details: true }
    for (const [metadata, status] of [
      [true, 200],
      [false, 404],
    ] as const) {
      const ask = await serve([], { metadata, health })
      expect([(await ask('/livez')).status, (await ask(document)).status]).toEqual([200, status])
      const server = expect.objectContaining({ status: expect.any(String) })
      expect(JSON.parse((await ask('/readyz')).body)).toEqual(expect.objectContaining({ server }))
    }
    expect((await (await serve([], { metadata: true }))(document)).status).toBe(200)
  })

  it('answers 500 when the metadata cannot be made', async () => {
    const server = { ...makeServer(), metadata: () => Promise.reject(new Error('a secret')) }
    const response = await (await serve([], { server }))('/anything')
    expect(response.status).toBe(500)
    expect(response.body).not.toContain('secret')
    const late = await serve([controller({ me: { handler: ok() } })], {
      server: { ...makeServer(), metadata: async () => undefined },
    })
    expect((await late('/me', {})).status).toBe(200)
  })

  it('takes options from a factory, and a resource for requirements that name none', async () => {
    const root = class {}
    const server = makeServer({ resource: ['https://api.example.com/a', 'https://api.example.com/b'] })
    Module({
      imports: [
        PortcullisModule.forRootAsync({ useFactory: async () => ({ server, resource: 'https://api.example.com/b' }) }),
      ],
      controllers: [controller({ me: { handler: (auth: VerifiedAuth) => auth.resource, parameters: [Auth()] } })],
    })(root)
    const testing = await Test.createTestingModule({ imports: [root] }).compile()
    const ask = await listen(testing.createNestApplication(new ExpressAdapter(), { logger: false }))
    expect((await ask('/me', {})).body).toBe('https://api.example.com/b')
  })
})

describe('refusals', () => {
  it('[E-05] answer what a handler throws of ours as the guard would', async () => {
    const ask = await serve([
      controller({
        inner: {
          handler: () => {
            throw new InsufficientScopeError('write')
          },
        },
      }),
    ])
    const response = await ask('/inner', {})
    expect(response.status).toBe(403)
    expect(response.fields('WWW-Authenticate')[0]).toContain('error="insufficient_scope"')
    expect(response.fields('Content-Type')).toEqual(['application/json'])
  })

  it('[REAL-26] leave faults of the application to the filters of the application, with their cause', async () => {
    const cause = new Error('a secret of the application')
    const allow = () => {
      throw cause
    }
    const seen: unknown[] = []
    class Faults {
      catch(exception: Error, host: ExecutionContextHost): void {
        seen.push(exception.cause)
        host.switchToHttp().getResponse<{ sendStatus(code: number): void }>().sendStatus(500)
      }
    }
    Catch(InternalError)(Faults)
    const faulty = controller({ faulty: { handler: ok(), decorators: [RequireToken({ allow })] } })
    const app = await createApplication({ server: makeServer() }, [faulty], new ExpressAdapter())
    app.useGlobalFilters(new Faults())
    expect((await (await listen(app))('/faulty', {})).status).toBe(500)
    expect(seen).toEqual([cause])
    const logged: unknown[] = []
    const plain = await createApplication({ server: makeServer() }, [faulty], new ExpressAdapter())
    plain.useLogger({ log: () => {}, warn: () => {}, error: (...said: unknown[]) => logged.push(said[0]) })
    const response = await (await listen(plain))('/faulty', {})
    expect([response.status, response.body]).toEqual([500, '{"statusCode":500,"message":"Internal server error"}'])
    expect(logged).toContainEqual(expect.objectContaining({ cause }))
  })

  it('[E-01] keep status and challenge where a filter of the application writes every body', async () => {
    class CatchAll {
      catch(exception: unknown, host: ExecutionContextHost): void {
        const response = host.switchToHttp().getResponse<{ status(code: number): { json(body: unknown): void } }>()
        if (!(exception instanceof RefusalException)) throw exception
        response.status(exception.getStatus()).json({ problem: exception.cause.code, said: exception.getResponse() })
      }
    }
    Catch()(CatchAll)
    const app = await createApplication(
      { server: makeServer() },
      [controller({ me: { handler: ok() } })],
      new ExpressAdapter(),
    )
    app.useGlobalFilters(new CatchAll())
    const ask = await listen(app)
    const response = await ask('/me')
    expect(response.status).toBe(401)
    expect(response.fields('WWW-Authenticate')).toHaveLength(1)
    expect(JSON.parse(response.body)).toEqual({ problem: 'ERR_TOKEN_MISSING', said: '' })
    const said = expect.objectContaining({ error: 'invalid_token' })
    expect(JSON.parse((await ask('/me', { exp: 1 })).body)).toEqual({ problem: 'ERR_TOKEN_EXPIRED', said })
  })
})

describe('what is no HTTP request', () => {
  class Gateway {
    closed(): void {}
    open(): void {}
  }
  Public()(Gateway.prototype, 'open', Object.getOwnPropertyDescriptor(Gateway.prototype, 'open') as PropertyDescriptor)
  const options = { server: makeServer() }
  const guard = new PortcullisGuard(createGates(options), options)
  const contextOf = (type: string, handler: 'open' | 'closed', ...parameters: unknown[]) => {
    const context = new ExecutionContextHost(parameters, Gateway, Gateway.prototype[handler])
    context.setType(type)
    return context
  }

  it.each(['ws', 'rpc', 'graphql'])('is not let through: %s', async (type) => {
    await expect(guard.canActivate(contextOf(type, 'closed', {}))).rejects.toThrow(
      `The credentials of this '${type}' call cannot be found`,
    )
  })

  it('passes where the handler is public', async () => {
    expect(await guard.canActivate(contextOf('ws', 'open', {}))).toBe(true)
  })

  it('[ADP-08] is told from a request whose client has gone: the handler does not run', async () => {
    const request = { method: 'GET', url: '/', headers: { authorization: `Bearer ${issuer.mintToken()}` } }
    const gone = contextOf('http', 'closed', request, { destroyed: true })
    await expect(guard.canActivate(gone)).rejects.toThrow('The client closed the request')
    expect(await guard.canActivate(contextOf('http', 'closed', request, { destroyed: false }))).toBe(true)
  })
})
