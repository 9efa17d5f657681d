import 'reflect-metadata'
import { Controller, Get, type Type } from '@nestjs/common'
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js'
import { Query, ResolveField } from '@nestjs/graphql'
import { MessagePattern } from '@nestjs/microservices'
import { Test } from '@nestjs/testing'
import { createResourceServer } from 'portcullis'
import { authOf, OptionalToken, PortcullisModule, Public, RequireScopes, RequireToken } from 'portcullis/nest'
import { createDpopClient, createFrozenClock, createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { createGates } from '../../adapters/nest/gates.js'
import { PortcullisGuard } from '../../adapters/nest/guard.js'
import type { PortcullisModuleOptions } from '../../adapters/nest/module-options.js'

const origin = 'https://api.example.com'
const clock = createFrozenClock()
const issuer = createTestIssuer({ clock: clock.now, audience: origin })
afterAll(() => issuer.close())

class Gateway {
  plain(): void {}
  admin(): void {}
  anybody(): void {}
  counted(): void {}
  open(): void {}
}
const allowed: unknown[] = []
decorate('admin', RequireScopes('admin'))
decorate('anybody', OptionalToken())
decorate('open', Public())
decorate('counted', RequireToken({ allow: ({ subject }) => allowed.push(subject) > 0 }))

function decorate(name: keyof Gateway, decorator: MethodDecorator): void {
  decorator(Gateway.prototype, name, Object.getOwnPropertyDescriptor(Gateway.prototype, name) as PropertyDescriptor)
}

/** The guard of an application that may find the facts of a call itself. */
function guardWith(facts?: PortcullisModuleOptions['facts']): PortcullisGuard {
  const server = createResourceServer({
    resource: origin,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    clock: clock.now,
  })
  const options = { server, facts }
  return new PortcullisGuard(createGates(options), options)
}

function contextOf(type: string, handler: keyof Gateway, ...parameters: unknown[]): ExecutionContextHost {
  const context = new ExecutionContextHost(parameters, Gateway, Gateway.prototype[handler])
  context.setType(type)
  return context
}

/** A request with a token bound to a key, and the one proof of the key. */
function boundRequest() {
  const client = createDpopClient({ clock: clock.now })
  const accessToken = issuer.mintToken({ sub: 'alice', exp: clock.now() / 1000 + 3600, cnf: { jkt: client.jkt } })
  const headers = client.headers({ url: `${origin}/`, accessToken })
  return { method: 'GET', url: '/', headers, rawHeaders: Object.entries(headers).flat(), socket: {} }
}

const refusal = (error: string) => ({ error: expect.objectContaining({ error }) })

describe('a call', () => {
  it('is judged once, by however many guards of ours', async () => {
    const guard = guardWith()
    const request = boundRequest()
    allowed.length = 0
    const context = contextOf('http', 'counted', request, { setHeader: () => {}, destroyed: false })
    expect([await guard.canActivate(context), await guard.canActivate(context)]).toEqual([true, true])
    expect(authOf(context)?.subject).toBe('alice')
    expect(allowed).toEqual(['alice'])
  })
})

describe('messages of one connection', () => {
  it('are let through by the proof of its handshake, however old, also after one of them was refused', async () => {
    const guard = guardWith()
    const client = { request: boundRequest() }
    const say = (handler: keyof Gateway) => contextOf('ws', handler, client, {})
    expect(await guard.canActivate(say('plain'))).toBe(true)
    clock.advance(1_200_000)
    await expect(guard.canActivate(say('admin'))).rejects.toMatchObject(refusal('insufficient_scope'))
    const later = say('plain')
    expect(await guard.canActivate(later)).toBe(true)
    expect(authOf(later)?.subject).toBe('alice')
    const { headers, ...request } = client.request
    const another = contextOf('ws', 'plain', { request: { ...request, headers: { ...headers } } }, {})
    await expect(guard.canActivate(another)).rejects.toMatchObject(refusal('invalid_dpop_proof'))
  })

  it('are judged where the facts that the application finds name no request', async () => {
    const bearer = (token: string) => requestFacts({ headers: { authorization: `Bearer ${token}` } })
    const guard = guardWith((context) => bearer(context.switchToWs().getData<{ token: string }>().token))
    const said = contextOf('ws', 'plain', {}, { token: issuer.mintToken({ sub: 'bob' }) })
    expect([await guard.canActivate(said), authOf(said)?.subject]).toEqual([true, 'bob'])
    const forged = contextOf('ws', 'plain', {}, { token: 'forged' })
    await expect(guard.canActivate(forged)).rejects.toMatchObject(refusal('invalid_token'))
  })

  it('know nobody after one without a token', async () => {
    const guard = guardWith()
    const client = { request: { method: 'GET', url: '/', headers: {}, rawHeaders: [], socket: {} } }
    const asked = contextOf('ws', 'anybody', client, {})
    expect([await guard.canActivate(asked), authOf(asked)]).toEqual([true, undefined])
    await expect(guard.canActivate(contextOf('ws', 'plain', client, {}))).rejects.toMatchObject({
      error: { message: 'No access token was sent' },
    })
  })
})

describe('a handshake whose raw fields nobody kept', () => {
  const token = issuer.mintToken({ sub: 'alice', exp: clock.now() / 1000 + 3600 })
  const said = (authorization: string | undefined, handshake: object | undefined) => {
    const request = { method: 'GET', url: '/', headers: authorization === undefined ? {} : { authorization } }
    return contextOf('ws', 'plain', { request, handshake }, {})
  }

  it.each([
    ['its field', said(`Bearer ${token}`, undefined)],
    ['its field beside no token', said(`Bearer ${token}`, { auth: {} })],
    ['its field beside no `auth`', said(`Bearer ${token}`, {})],
    ['its token', said(undefined, { auth: { token } })],
  ])('is let through by %s', async (_, context) => {
    expect([await guardWith().canActivate(context), authOf(context)?.subject]).toEqual([true, 'alice'])
  })

  it('[BEAR-02] is refused with a token in both places', async () => {
    const both = said(`Bearer ${token}`, { auth: { token: issuer.mintToken({ sub: 'eve' }) } })
    await expect(guardWith().canActivate(both)).rejects.toMatchObject(refusal('invalid_request'))
  })
})

describe('a refusal', () => {
  const noToken = { method: 'POST', url: '/', headers: {} }
  const reasonOf = (call: Promise<unknown>) => call.then(undefined, ({ cause }) => cause?.code)

  it('challenges in the answer of Node where a GraphQL server has no other', async () => {
    const fields = new Map<string, unknown>()
    const res = {
      headersSent: false,
      destroyed: false,
      getHeader: (name: string) => fields.get(name),
      setHeader: (name: string, value: unknown) => fields.set(name, value),
    }
    const asked = contextOf('graphql', 'plain', {}, {}, { req: noToken, res }, {})
    expect(await reasonOf(guardWith().canActivate(asked))).toBe('ERR_TOKEN_MISSING')
    expect(fields.get('WWW-Authenticate')).toEqual([expect.stringMatching(/^Bearer/), expect.stringMatching(/^DPoP/)])
  })

  it('is one of GraphQL without an answer too, as subscriptions are', async () => {
    const asked = contextOf('graphql', 'plain', {}, {}, { req: noToken }, {})
    expect(await reasonOf(guardWith().canActivate(asked))).toBe('ERR_TOKEN_MISSING')
  })

  it.each(['ws', 'rpc'])('has its reason as the cause for filters of the application: %s', async (type) => {
    const guard = guardWith(() => requestFacts({}))
    expect(await reasonOf(guard.canActivate(contextOf(type, 'plain', {}, {})))).toBe('ERR_TOKEN_MISSING')
  })

  it('of a preflight has nothing to say', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' }
    const asked = contextOf('http', 'plain', { ...noToken, method: 'OPTIONS', headers }, { destroyed: false })
    const answer = await guardWith()
      .canActivate(asked)
      .then(undefined, (thrown) => [thrown.getStatus(), thrown.getResponse()])
    expect(answer).toEqual([204, ''])
  })
})

describe('what a client sends', () => {
  const headers = { authorization: `Bearer ${issuer.mintToken({ exp: clock.now() / 1000 + 3600 })}` }

  it.each([{ headers }, { request: { headers } }])('is no request where a queue carried it: %#', async (data) => {
    await expect(guardWith().canActivate(contextOf('rpc', 'plain', data, {}))).rejects.toMatchObject({
      message: expect.stringContaining('cannot be found'),
    })
  })

  it('is no response where a socket carried it, and the client is no request', async () => {
    const client = { request: { method: 'GET', url: '/', headers }, handshake: {} }
    const said = contextOf('ws', 'plain', client, { destroyed: true })
    expect(await guardWith().canActivate(said)).toBe(true)
    expect(client).not.toHaveProperty('auth')
  })
})

describe('fields of one GraphQL operation', () => {
  it('have a caller each, also below one parent', async () => {
    const guard = guardWith()
    const parent = {}
    const req = { method: 'POST', url: '/', headers: { authorization: `Bearer ${issuer.mintToken({ sub: 'alice' })}` } }
    const field = (handler: keyof Gateway) => contextOf('graphql', handler, parent, Object.create(null), { req }, {})
    const [plain, open] = [field('plain'), field('open')]
    expect([await guard.canActivate(plain), await guard.canActivate(open)]).toEqual([true, true])
    expect([authOf(plain)?.subject, authOf(open)]).toEqual(['alice', undefined])
  })
})

describe('the start', () => {
  /** A class as the compiler would make it of decorated source. */
  function classOf(handler: MethodDecorator | undefined, ...decorators: ClassDecorator[]): Type {
    const made = class {
      run(): void {}
    }
    const descriptor = Object.getOwnPropertyDescriptor(made.prototype, 'run') as PropertyDescriptor
    handler?.(made.prototype, 'run', descriptor)
    for (const decorator of decorators) decorator(made)
    return made
  }

  async function start(providers: Type[]): Promise<void> {
    const server = createResourceServer({ resource: origin, issuer: issuer.issuer, fetch: issuer.fetch })
    const testing = await Test.createTestingModule({
      imports: [PortcullisModule.forRoot({ server })],
      providers,
    }).compile()
    const app = testing.createNestApplication({ logger: false })
    await app.init().finally(() => app.close())
  }

  it.each([
    ['a method that handles no request', classOf(Public())],
    ['a class that handles no request', classOf(undefined, Public())],
    ['a message whose token nothing finds', classOf(MessagePattern('open'), Public())],
    [
      'a field that no guard runs before',
      classOf(
        ResolveField('open', () => String),
        Public(),
      ),
    ],
  ])('lets %s be public', async (_, provider) => {
    await expect(start([provider])).resolves.toBeUndefined()
  })

  it('takes a query for a handler that the guard of its class runs before', async () => {
    await expect(
      start([
        classOf(
          Query(() => String),
          RequireScopes('read'),
        ),
      ]),
    ).resolves.toBeUndefined()
  })

  it('needs no module where all is public', async () => {
    const open = classOf(Get('open'), Public(), Controller())
    await expect(Test.createTestingModule({ controllers: [open] }).compile()).resolves.toBeDefined()
  })
})
