import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import { type ArgumentsHost, Catch, Controller, Get, HttpCode, Module, Post, Query } from '@nestjs/common'
import { type AbstractHttpAdapter, HttpAdapterHost } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Test } from '@nestjs/testing'
import express, { type Request as ExpressRequest, type Response as ExpressResponse, type NextFunction } from 'express'
// @ts-expect-error Express 4 comes without types; the adapter's are those of Express 5.
import express4 from 'express4'
import { fastify } from 'fastify'
import Koa from 'koa'
// @ts-expect-error Koa 2 comes without types; the adapter's are those of Koa 3.
import Koa2 from 'koa2'
import { InternalError } from 'portcullis'
import { ClientCallError, createClientDocuments, privateKeyJwt } from 'portcullis/client'
import * as onExpress from 'portcullis/express'
import * as onFastify from 'portcullis/fastify'
import * as onFetch from 'portcullis/fetch'
import * as onKoa from 'portcullis/koa'
import type { Login, LoginSession } from 'portcullis/login'
import * as onNest from 'portcullis/nest'
import { serveFetch } from '../support/serve-fetch.js'

/** An application at work. */
export interface Served {
  readonly origin: string
  close(): Promise<unknown>
}

const account = (login: LoginSession) => JSON.stringify(login.account)
const greeting = (login: LoginSession | undefined) => `hello ${login?.account.subject ?? 'stranger'}`
const strong = { acrValues: ['urn:example:mfa'] }

/** What a service answers that the application calls for its user; `call` names one that wants a better login. */
export type Agenda = (login: LoginSession, call?: string) => Promise<string>

const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
const publicJwk = await crypto.subtle.exportKey('jwk', pair.publicKey)
const clientId = 'https://app.example.com/client.json'

/** The documents of the client that every application serves. */
export const documents = createClientDocuments({
  ...{ clientId, clientName: 'The application', redirectUris: ['https://app.example.com/auth/callback'] },
  credential: privateKeyJwt({ clientId, keys: [{ key: pair.privateKey, publicJwk: publicJwk as never }] }),
  jwksUri: 'https://app.example.com/client-keys.json',
})

async function serveExpress(make: typeof express, login: Login, agenda: Agenda): Promise<Served> {
  const app = make()
  app.use(onExpress.loginRoutes(login), onExpress.clientMetadata(documents))
  app.get('/me', onExpress.requireLogin(login), (req, res) => void res.type('json').send(account(req.login)))
  app.get('/hello', onExpress.optionalLogin(login), (req, res) => void res.send(greeting(req.login)))
  app.get('/strong', onExpress.requireLogin(login, strong), (req, res) => void res.send(req.login.acr))
  app.post('/notes', onExpress.requireLogin(login), (_req, res) => void res.send('kept'))
  app.get('/agenda', onExpress.requireLogin(login), (req, res, next) => {
    agenda(req.login, req.query['call'] as string).then((text) => res.send(text), next)
  })
  app.use(onExpress.loginRefusals(login))
  app.use((error: Error, _req: ExpressRequest, res: ExpressResponse, _next: NextFunction) => {
    res.status(500).send(`fault: ${error.cause}`)
  })
  const listening = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  const { port } = listening.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => listening.close(resolve)) }
}

function respond(ctx: { body: unknown }, body: unknown): void {
  ctx.body = body
}

async function serveKoa(Application: typeof Koa, login: Login, agenda: Agenda): Promise<Served> {
  const app = new Application()
  app.silent = true
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      ctx.status = 500
      ctx.body = `fault: ${(error as Error).cause}`
    }
  })
  const router = new Router()
  app.use(onKoa.loginRefusals(login))
  app.use(onKoa.loginRoutes(login))
  app.use(onKoa.clientMetadata(documents))
  router.get('/me', onKoa.requireLogin(login), (ctx) => {
    ctx.type = 'json'
    ctx.body = account(ctx.state.login)
  })
  router.get('/hello', onKoa.optionalLogin(login), (ctx) => respond(ctx, greeting(ctx.state.login)))
  router.get('/strong', onKoa.requireLogin(login, strong), (ctx) => respond(ctx, ctx.state.login.acr))
  router.post('/notes', onKoa.requireLogin(login), (ctx) => respond(ctx, 'kept'))
  router.get('/agenda', onKoa.requireLogin(login), async (ctx) =>
    respond(ctx, await agenda(ctx.state.login, ctx.query['call'] as string)),
  )
  app.use(router.routes())
  const listening = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  const { port } = listening.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => listening.close(resolve)) }
}

async function serveFastify(login: Login, agenda: Agenda): Promise<Served> {
  const app = fastify()
  await app.register(onFastify.loginRoutes(login))
  await app.register(onFastify.clientMetadata(documents), { prefix: '/below' })
  const session = (request: { login?: LoginSession | undefined }) => request.login as LoginSession
  app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send(`fault: ${error.cause}`))
  await app.register(async (scope) => {
    scope.setErrorHandler(onFastify.loginRefusals(login))
    scope.get('/agenda', { onRequest: onFastify.requireLogin(login) }, (request) =>
      agenda(session(request), (request.query as { call?: string }).call),
    )
  })
  app.get('/me', { onRequest: onFastify.requireLogin(login) }, (request, reply) =>
    reply.type('application/json').send(account(session(request))),
  )
  app.get('/hello', { onRequest: onFastify.optionalLogin(login) }, (request) => greeting(request.login))
  app.get('/strong', { onRequest: onFastify.requireLogin(login, strong) }, (request) => session(request).acr)
  app.post('/notes', { onRequest: onFastify.requireLogin(login) }, () => 'kept')
  return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
}

function serveFetchApp(login: Login, agenda: Agenda): Promise<Served> {
  const routes = onFetch.loginRoutes(login)
  const metadata = onFetch.clientMetadata(documents)
  const me = onFetch.withLogin(
    login,
    {},
    (_request, session) => new Response(account(session), { headers: { 'content-type': 'application/json' } }),
  )
  const notes = onFetch.withLogin(login, {}, () => new Response('kept'))
  const strongly = onFetch.withLogin(login, strong, (_request, session) => new Response(session.acr ?? ''))
  const calling = onFetch.withLogin(login, {}, async (request, session) => {
    const { searchParams } = new URL(request.url)
    return new Response(await agenda(session, searchParams.get('call') ?? undefined))
  })
  const optional = onFetch.optionalLogin(login)
  const pages: Record<string, (request: Request) => Promise<Response>> = {
    'GET /me': me,
    'POST /notes': notes,
    'GET /strong': strongly,
    'GET /agenda': calling,
    async 'GET /hello'(request) {
      const result = await optional(request)
      if (!result.ok) return result.response
      return new Response(greeting(result.login), { headers: result.headers })
    },
  }
  return serveFetch(async (request) => {
    try {
      const page = pages[`${request.method} ${new URL(request.url).pathname}`]
      return (
        (await routes(request)) ??
        (await metadata(request)) ??
        (await page?.(request)) ??
        new Response('', { status: 404 })
      )
    } catch (error) {
      return new Response(`fault: ${(error as Error).cause}`, { status: 500 })
    }
  })
}

const decorate = (target: object, name: string, ...decorators: MethodDecorator[]): void => {
  const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor
  for (const decorator of decorators) decorator(target, name, descriptor)
}

/** The application's own filter, for faults. */
class FaultFilter {
  readonly #adapterHost: HttpAdapterHost

  constructor(adapterHost: HttpAdapterHost) {
    this.#adapterHost = adapterHost
  }

  catch(exception: Error, host: ArgumentsHost): void {
    const { httpAdapter } = this.#adapterHost
    httpAdapter.reply(host.switchToHttp().getResponse(), `fault: ${exception.cause}`, 500)
  }
}
Catch(InternalError, ClientCallError)(FaultFilter)

async function serveNest(platform: AbstractHttpAdapter, login: Login, agenda: Agenda): Promise<Served> {
  class Pages {
    me(session: LoginSession) {
      return account(session)
    }
    hello(session: LoginSession | undefined) {
      return greeting(session)
    }
    strong(session: LoginSession) {
      return session.acr
    }
    notes() {
      return 'kept'
    }
    agenda(session: LoginSession, call?: string) {
      return agenda(session, call)
    }
  }
  const { prototype } = Pages
  decorate(prototype, 'me', Get('me'), onNest.RequireLogin())
  decorate(prototype, 'hello', Get('hello'), onNest.OptionalLogin())
  decorate(prototype, 'strong', Get('strong'), onNest.RequireLogin(strong))
  decorate(prototype, 'notes', Post('notes'), onNest.RequireLogin(), HttpCode(200))
  decorate(prototype, 'agenda', Get('agenda'))
  for (const name of ['me', 'hello', 'strong', 'agenda']) onNest.CurrentLogin()(prototype, name, 0)
  Query('call')(prototype, 'agenda', 1)
  onNest.RequireLogin()(Pages)
  Controller()(Pages)
  const root = class {}
  Module({ imports: [onNest.PortcullisLoginModule.forRoot({ login })], controllers: [Pages] })(root)
  const testing = await Test.createTestingModule({ imports: [root] }).compile()
  const app = testing.createNestApplication(platform, { logger: false, forceCloseConnections: true })
  app.useGlobalFilters(new FaultFilter(app.get(HttpAdapterHost)))
  app.use(onNest.clientMetadata(documents))
  await app.listen(0, '127.0.0.1')
  return { origin: await app.getUrl(), close: () => app.close() }
}

/** Serves the pages of the contract behind a login, in each framework. */
export const frameworks: Readonly<Record<string, (login: Login, agenda: Agenda) => Promise<Served>>> = {
  'Express 5': (...about) => serveExpress(express, ...about),
  'Express 4': (...about) => serveExpress(express4, ...about),
  'Koa 3': (...about) => serveKoa(Koa, ...about),
  'Koa 2': (...about) => serveKoa(Koa2, ...about),
  Fastify: serveFastify,
  Fetch: serveFetchApp,
  'NestJS on Express': (...about) => serveNest(new ExpressAdapter(), ...about),
  'NestJS on Fastify': (...about) => serveNest(new FastifyAdapter(), ...about),
}
