import 'reflect-metadata'
import { createRequire } from 'node:module'
import type { AddressInfo, Server } from 'node:net'
import { type ExecutionContext, type INestApplication, type INestMicroservice, Module, type Type } from '@nestjs/common'
import { DiscoveryService } from '@nestjs/core'
import { AbstractGraphQLDriver, type GqlModuleOptions, GraphQLModule } from '@nestjs/graphql'
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices'
import { IoAdapter } from '@nestjs/platform-socket.io'
import { WsAdapter } from '@nestjs/platform-ws'
import { Test, type TestingModuleBuilder } from '@nestjs/testing'
import { ConfigurationError, createGrants, createResourceServer, type RequestFacts } from 'portcullis'
import { nodeRequestFacts } from 'portcullis/adapter'
import { PortcullisModule, type PortcullisModuleOptions } from 'portcullis/nest'
import { createFrozenClock, createTestIssuer } from 'portcullis/testing'
import { firstValueFrom } from 'rxjs'
import { io, type Socket } from 'socket.io-client'
import request from 'supertest'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { checkHandlers } from '../../adapters/nest/check-handlers.js'
import * as carriers from './nest-carriers.js'

/** NestJS requires it, and a schema of one copy is none to another. */
const copies: readonly typeof import('graphql')[] = [await import('graphql'), createRequire(import.meta.url)('graphql')]
const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now, audience: 'https://api.example.com' })
const server = createResourceServer({
  resource: 'https://api.example.com',
  issuer: issuer.issuer,
  fetch: issuer.fetch,
  clock: clock.now,
})
const grants = createGrants({
  clock: clock.now,
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
const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => issuer.close())

interface Parts {
  readonly options?: Partial<PortcullisModuleOptions>
  readonly imports?: NonNullable<Parameters<typeof Module>[0]['imports']>
  readonly controllers?: Type[]
  readonly providers?: NonNullable<Parameters<typeof Module>[0]['providers']>
}

/** The classes stand in a module of their own, as those of an application do. */
function testingModule({ options = {}, imports = [], controllers = [], providers = [] }: Parts): TestingModuleBuilder {
  const feature = class {}
  Module({ controllers, providers })(feature)
  return Test.createTestingModule({
    imports: [feature, PortcullisModule.forRoot({ server, grants, ...options }), ...imports],
  })
}

async function applicationOf(parts: Parts): Promise<INestApplication> {
  const testing = await testingModule(parts).compile()
  const app = testing.createNestApplication({ logger: false, forceCloseConnections: true })
  closing.push(() => app.close())
  return app
}

async function startError(parts: Parts): Promise<unknown> {
  const app = await applicationOf(parts)
  return app.init().then(
    () => undefined,
    (error) => error,
  )
}

describe('gateways of Socket.IO', () => {
  async function serve(): Promise<string> {
    const app = await applicationOf({ providers: [carriers.ChatGateway] })
    app.useWebSocketAdapter(new IoAdapter(app))
    await app.listen(0, '127.0.0.1')
    return app.getUrl()
  }

  function connect(origin: string, options: Parameters<typeof io>[1]): Socket {
    const socket = io(origin, { transports: ['websocket'], forceNew: true, reconnection: false, ...options })
    closing.push(() => socket.disconnect())
    return socket
  }

  /** What comes back first: the answer, or the exception. */
  function ask(socket: Socket, message: string): Promise<unknown[]> {
    return new Promise((resolve) => {
      socket.onAny((event, data) => {
        socket.offAny()
        resolve([event, data])
      })
      socket.emit(message, {})
    })
  }

  it('[REAL-20] run no handler without a token, and those they judge by what class and handler declare', async () => {
    const origin = await serve()
    const nobody = connect(origin, {})
    const missing = { status: 'error', message: 'No access token was sent' }
    for (const guarded of ['say', 'moderate', 'events', 'faulty']) {
      expect(await ask(nobody, guarded)).toEqual(['exception', expect.objectContaining(missing)])
    }
    expect(await ask(nobody, 'ping')).toEqual(['pong', true])
    expect(await ask(nobody, 'hello')).toEqual(['hello', 'stranger'])

    const chatter = connect(origin, { auth: { token: issuer.mintToken({ sub: 'alice', scope: 'chat' }) } })
    expect(await ask(chatter, 'say')).toEqual(['said', 'alice'])
    expect(await ask(chatter, 'moderate')).toEqual([
      'exception',
      {
        status: 'error',
        message: 'The access token does not grant the required scope',
        error: 'insufficient_scope',
        error_description: 'The access token does not grant the required scope',
      },
    ])
    expect(await ask(chatter, 'events')).toEqual(['events', 'downstream'])
    expect(await ask(chatter, 'hello')).toEqual(['hello', 'alice'])
  })

  it('[REAL-20] read the token of the handshake, and refuse two of them', async () => {
    const origin = await serve()
    const extraHeaders = { Authorization: `Bearer ${issuer.mintToken({ sub: 'bob', scope: 'chat' })}` }
    expect(await ask(connect(origin, { extraHeaders }), 'say')).toEqual(['said', 'bob'])
    const auth = { token: issuer.mintToken({ sub: 'eve', scope: 'chat' }) }
    const [event, data] = await ask(connect(origin, { extraHeaders, auth }), 'say')
    expect([event, data]).toEqual(['exception', expect.objectContaining({ error: 'invalid_request' })])
  })

  it('[REAL-20] hold a caller let through before against time, with every message', async () => {
    const socket = connect(await serve(), { auth: { token: issuer.mintToken({ scope: 'chat' }) } })
    expect((await ask(socket, 'say'))[0]).toBe('said')
    clock.advance(7_200_000)
    expect(await ask(socket, 'say')).toEqual(['exception', expect.objectContaining({ error: 'invalid_token' })])
  })

  it('[REAL-26] tell nobody of a fault of the application', async () => {
    const socket = connect(await serve(), { auth: { token: issuer.mintToken({ scope: 'chat' }) } })
    const [event, data] = await ask(socket, 'faulty')
    expect([event, data]).toEqual(['exception', expect.objectContaining({ message: 'Internal server error' })])
    expect(JSON.stringify(data)).not.toContain('secret')
  })
})

describe('gateways of plain WebSockets', () => {
  async function ask(options: Partial<PortcullisModuleOptions>, event = 'say'): Promise<unknown> {
    const app = await applicationOf({ options, providers: [carriers.ChatGateway] })
    const adapter = new WsAdapter(app)
    const refused = new Promise((resolve) => {
      const bind = adapter.bindClientConnect.bind(adapter)
      adapter.bindClientConnect = (sockets, connected: (client: WebSocket) => void) =>
        bind(sockets, (client: WebSocket) => {
          client.once('exception', (refusal) => resolve({ refusal }))
          connected(client)
        })
    })
    app.useWebSocketAdapter(adapter)
    await app.listen(0, '127.0.0.1')
    const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'))
    closing.push(() => socket.terminate())
    await new Promise((resolve) => socket.once('open', resolve))
    const answer = new Promise((resolve) => {
      socket.once('message', (data) => resolve(JSON.parse(String(data))))
    })
    socket.send(JSON.stringify({ event, data: { token: issuer.mintToken({ sub: 'carol', scope: 'chat' }) } }))
    return Promise.race([answer, refused])
  }

  it('[REAL-20] judge messages by the facts the application finds', async () => {
    const facts = (context: ExecutionContext) => factsOf(context.switchToWs().getData())
    expect(await ask({ facts })).toEqual({ event: 'said', data: 'carol' })
  })

  it('[REAL-20] refuse every message where nothing finds the credentials', async () => {
    // NestJS 11 sends the exception as it is, NestJS 12 within an event of that name.
    for (const options of [{}, { facts: () => undefined }]) {
      const { refusal, data } = (await ask(options, 'moderate')) as { refusal?: object; data?: object }
      expect(refusal ?? data).toMatchObject({ status: 'error', message: 'Internal server error' })
    }
  })
})

function factsOf({ token }: { readonly token?: string }) {
  return nodeRequestFacts({ method: 'POST', url: '/', headers: token ? { authorization: `Bearer ${token}` } : {} })
}
const facts = (context: ExecutionContext) => factsOf(context.switchToRpc().getData())

describe('microservices', () => {
  function clientOf(microservice: INestMicroservice): ClientProxy {
    const { port } = microservice.unwrap<Server>().address() as AddressInfo
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } })
    closing.push(() => client.close())
    return client
  }
  const tcp = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const

  const starts = {
    async 'that stand alone'() {
      const testing = await testingModule({ controllers: [carriers.MathController], options: { facts } }).compile()
      const app = testing.createNestMicroservice({ ...tcp, logger: false })
      closing.push(() => app.close())
      await app.listen()
      return clientOf(app)
    },
    async 'that are part of a hybrid application'() {
      const app = await applicationOf({ controllers: [carriers.MathController], options: { facts } })
      const microservice = app.connectMicroservice(tcp)
      await app.init()
      await app.startAllMicroservices()
      return clientOf(microservice)
    },
  }

  it.each(Object.entries(starts))('[REAL-20] %s run no handler without a token', async (_, start) => {
    const client = await start()
    const ask = (pattern: string, data: object) =>
      firstValueFrom(client.send(pattern, data)).catch((error: unknown) => ({ refused: error }))
    const numbers = [1, 2]
    expect(await ask('sum', { numbers })).toEqual({ refused: expect.objectContaining({ status: 'error' }) })
    expect(await ask('sum', { numbers, token: issuer.mintToken({ scope: 'other' }) })).toEqual({
      refused: expect.objectContaining({ error: 'insufficient_scope' }),
    })
    const token = issuer.mintToken({ sub: 'dave', scope: 'math' })
    expect(await ask('sum', { numbers, token })).toEqual({ sum: 3, by: 'dave' })
    expect(await ask('ping', {})).toBe('pong')
    expect(await ask('faulty', { token })).toEqual({ refused: { status: 'error', message: 'Internal server error' } })
  })
})

class TinyDriver extends AbstractGraphQLDriver<GqlModuleOptions> {
  async start({ schema, path = '' }: GqlModuleOptions): Promise<void> {
    this.httpAdapterHost.httpAdapter.post(
      path,
      async (req: { body: { query: string } }, res: { json(body: object): void }) => {
        const copy = copies.find(({ GraphQLSchema }) => schema instanceof GraphQLSchema)
        if (schema === undefined || copy === undefined) throw new TypeError('no schema, or one of an unknown graphql')
        res.json(await copy.graphql({ schema, source: req.body.query, contextValue: { req, res } }))
      },
    )
  }

  async stop(): Promise<void> {}
}

describe('GraphQL', () => {
  const graphqlModule = (options: Partial<GqlModuleOptions> = {}) =>
    GraphQLModule.forRoot({ driver: TinyDriver, autoSchemaFile: true, ...options })

  async function serve(parts: Parts) {
    const app = await applicationOf(parts)
    await app.init()
    return async (query: string, claims?: object) => {
      const sent = request(app.getHttpServer()).post('/graphql')
      if (claims) sent.set('Authorization', `Bearer ${issuer.mintToken(claims as Record<string, unknown>)}`)
      return sent.send({ query })
    }
  }

  it('[REAL-20] runs no resolver without a token', async () => {
    const ask = await serve({ imports: [graphqlModule()], providers: [carriers.PeopleResolver] })
    for (const field of ['me', 'plain', 'events']) {
      const { body, headers } = await ask(`{ ${field} }`)
      expect([body.data, body.errors.length]).toEqual([null, 1])
      expect(headers['www-authenticate']).toMatch(/^Bearer/)
    }
    expect((await ask('{ open }')).body).toEqual({ data: { open: 'nobody' } })
    expect((await ask('{ me }', {})).body.errors[0].message).toContain('scope')
    expect((await ask('{ me plain events }', { sub: 'erin', scope: 'profile' })).body).toEqual({
      data: { me: 'erin', plain: 'plain', events: 'downstream' },
    })
  })

  it('[REAL-20] starts with guarded fields only where NestJS runs guards before fields', async () => {
    const providers = [carriers.FieldResolver]
    expect(await startError({ imports: [graphqlModule()], providers })).toMatchObject({
      message: expect.stringContaining("'FieldResolver.email' resolves a field, and no guard runs before it"),
    })
    const ask = await serve({ imports: [graphqlModule({ fieldResolverEnhancers: ['guards'] })], providers })
    expect((await ask('{ person { name nick } }')).body.data).toEqual({ person: { name: 'alice', nick: 'nick' } })
    expect((await ask('{ person { email } }')).body.data).toBeNull()
    expect((await ask('{ person { email } }', { scope: 'email' })).body.data.person.email).toBe('alice@example.com')
    expect(await startError({ imports: [graphqlModule()], providers: [carriers.SilentFieldResolver] })).toBeUndefined()
    expect(await startError({ imports: [graphqlModule()], providers: [carriers.ReferenceResolver] })).toMatchObject({
      message: expect.stringContaining("'ReferenceResolver.reference' resolves a field, and no guard runs before it"),
    })
  })
})

describe('the start', () => {
  it.each([
    ['a gateway that says nothing', { providers: [carriers.SilentGateway] }, "'SilentGateway.say' has no decorator"],
    [
      'a microservice that says nothing',
      { controllers: [carriers.SilentMathController] },
      "'SilentMathController.sum' has no decorator",
    ],
    [
      'a microservice whose tokens nothing finds',
      { controllers: [carriers.MathController] },
      "'MathController.sum' demands a token, and only you know",
    ],
    ['a service with a decorator', { providers: [carriers.GuardedService] }, "'GuardedService' declares"],
    ['a method of a service', { providers: [carriers.GuardedMethodService] }, "'GuardedMethodService.remove' declares"],
  ] as const)('[REAL-20] is stopped by %s', async (_, parts, message) => {
    const error = await startError(parts as unknown as Parts)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(String(error)).toContain(message)
  })

  it('[REAL-20] is stopped by a decorator without the module', async () => {
    const testing = Test.createTestingModule({ providers: [carriers.ChatGateway] })
    await expect(testing.compile()).rejects.toThrow('PortcullisModule, which the root module has to import')
  })

  it('[REAL-20] is stopped by a guard that NestJS did not make', async () => {
    const app = await applicationOf({ providers: [carriers.ChatGateway] })
    const discovery = app.get(DiscoveryService, { strict: false })
    const providers = discovery
      .getProviders()
      .map(({ token, metatype, isNotMetatype }) => ({ token, metatype, isNotMetatype }))
    const older = { getControllers: () => [], getProviders: () => providers } as unknown as DiscoveryService
    const guard = server.guard()
    const gate = { identify: async (facts: RequestFacts) => guard(facts), acquire: undefined }
    expect(() => checkHandlers({ server }, () => gate, older)).toThrow("'ChatGateway.say' would run unguarded")
  })

  it('[REAL-23] is stopped by a handler that says nothing, where each has to', async () => {
    const controllers = [carriers.UndeclaredController]
    expect(String(await startError({ controllers, options: { requireDeclaration: true } }))).toContain(
      "'UndeclaredController.plain' has no decorator of Portcullis",
    )
    expect(await startError({ controllers })).toBeUndefined()
  })
})
