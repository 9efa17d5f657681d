import express, { type ErrorRequestHandler, type Express } from 'express'
import {
  type Auth,
  type AuthError,
  ConfigurationError,
  createResourceServer,
  InsufficientScopeError,
  type ResourceServer,
  type ResourceServerOptions,
} from 'portcullis'
import type { ExactResponse } from 'portcullis/adapter-testing'
import { type ExpressOptions, portcullis } from 'portcullis/express'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { ask } from '../support/ask.js'

const issuer = createTestIssuer({ audience: ['https://api.example.com/a', 'https://api.example.com/b'] })
const challenge = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/a"'

function makeServer(options: Partial<ResourceServerOptions> = {}): ResourceServer {
  return createResourceServer({
    resource: 'https://api.example.com/a',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: 'off',
    ...options,
  })
}

function send(app: Express, token?: string, path = '/'): Promise<ExactResponse> {
  return ask(app, path, token)
}

afterAll(() => issuer.close())

describe('req.auth', () => {
  it('[REAL-40] says what to write where `metadata` is mounted without being called', () => {
    const metadata: (...given: unknown[]) => unknown = portcullis(makeServer()).metadata
    expect(() => metadata({}, {}, () => {})).toThrow('Write `app.use(gate.metadata())`')
  })

  it('[ADP-05] is read-only, and the request handed on is the same object', async () => {
    const { requireToken } = portcullis(makeServer())
    let descriptor: PropertyDescriptor | undefined
    const app = express().get('/', requireToken(), (req, res) => {
      descriptor = Object.getOwnPropertyDescriptor(req, 'auth')
      expect(() => Object.assign(req, { auth: 'forged' })).toThrow(TypeError)
      res.json(req.auth.subject)
    })
    expect((await send(app, issuer.mintToken({ sub: 'alice' }))).body).toBe('"alice"')
    expect(descriptor).toMatchObject({ writable: false, enumerable: true, configurable: true })
  })

  it('[ADP-05] is reset before anything else, so that nobody can plant an identity', async () => {
    const { optionalToken } = portcullis(makeServer())
    const app = express()
    app.use((req, _res, next) => {
      Object.assign(req, { auth: { subject: 'forged' } })
      next()
    })
    app.get('/', optionalToken(), (req, res) => res.json({ subject: req.auth?.subject ?? null }))
    expect((await send(app)).body).toBe('{"subject":null}')
  })

  it('[ADP-05] is gone again when a later guard refuses', async () => {
    const { requireToken, authOf } = portcullis(makeServer(), { onError: 'next' })
    const app = express()
    const seen: (Auth | undefined)[] = []
    app.use(requireToken())
    app.get('/', requireToken({ scope: 'admin' }), (_req, res) => res.json('never'))
    const handler: ErrorRequestHandler = (error, req, res, _next) => {
      seen.push(authOf(req))
      res.sendStatus(error.status)
    }
    app.use(handler)
    expect((await send(app, issuer.mintToken())).status).toBe(403)
    expect(seen).toEqual([undefined])
  })

  it('[ADP-05] is what authOf gives to handlers behind app.use', async () => {
    const { requireToken, authOf } = portcullis(makeServer())
    const app = express().use(requireToken())
    app.get('/', (req, res) => res.json(authOf(req)?.subject))
    expect((await send(app, issuer.mintToken({ sub: 'bob' }))).body).toBe('"bob"')
  })
})

describe("the option `onError: 'next'`", () => {
  const options: ExpressOptions = { onError: 'next' }

  function appWith(handler?: ErrorRequestHandler): Express {
    const app = express().set('env', 'test')
    app.use((_req, res, next) => {
      res.set({ 'WWW-Authenticate': 'Basic realm="app"', 'Access-Control-Expose-Headers': 'X-Total' })
      next()
    })
    app.get('/', portcullis(makeServer(), options).requireToken(), (_req, res) => res.json('never'))
    return handler === undefined ? app : app.use(handler)
  }

  it("[E-01] [ADP-02] lets Express's own error handler answer with status and challenges", async () => {
    const response = await send(appWith())
    expect(response.status).toBe(401)
    expect(response.fields('WWW-Authenticate')).toEqual(['Basic realm="app"', `Bearer ${challenge}`])
    expect(response.fields('Access-Control-Expose-Headers')).toEqual(['X-Total, WWW-Authenticate, DPoP-Nonce'])
    expect(response.fields('Cache-Control')).toEqual(['no-store'])
  })

  it('[E-04] hands the error with all an answer needs to a handler of the application', async () => {
    let received: (AuthError & { headers?: Record<string, unknown> }) | undefined
    const handler: ErrorRequestHandler = (error, _req, res, _next) => {
      received = error
      res.status(error.status).set(error.headers).json({ problem: error.code })
    }
    const response = await send(appWith(handler), issuer.mintToken({}, { lifetimeSeconds: -120 }))
    expect(response.status).toBe(401)
    expect(response.body).toBe('{"problem":"ERR_TOKEN_EXPIRED"}')
    expect(response.fields('WWW-Authenticate')).toHaveLength(2)
    expect(Object.keys(received ?? {})).not.toContain('headers')
  })
})

describe('refusals', () => {
  it('[E-14] leave other errors, and answers that have begun, to the next error handler', async () => {
    const { requireToken, refusals } = portcullis(makeServer())
    const received: unknown[] = []
    const handler: ErrorRequestHandler = (error, _req, res, _next) => {
      received.push(error)
      res.end('handled')
    }
    const app = express().use(requireToken())
    app.get('/', () => {
      throw new Error('of the application')
    })
    app.get('/begun', (_req, res) => {
      res.write('begun, ')
      throw new InsufficientScopeError('write')
    })
    app.use(refusals(), handler)
    expect((await send(app, issuer.mintToken())).body).toBe('handled')
    expect((await send(app, issuer.mintToken(), '/begun')).body).toBe('begun, handled')
    expect(received).toEqual([new Error('of the application'), new InsufficientScopeError('write')])
  })

  it('[E-05] challenge every scheme where another library says who calls', async () => {
    const { refusals } = portcullis(makeServer({ dpop: 'allowed' }))
    const app = express()
    app.get('/', (req) => {
      Object.assign(req, { auth: { resource: new URL('https://other.test'), scheme: 'Basic' } })
      throw new InsufficientScopeError('write')
    })
    const response = await send(app.use(refusals()))
    expect([response.status, response.fields('WWW-Authenticate').length]).toEqual([403, 2])
  })
})

describe('the gate', () => {
  it('[PRM-13] guards several resources, each with a gate of its own', async () => {
    const server = makeServer({ resource: ['https://api.example.com/a', 'https://api.example.com/b'] })
    expect(() => portcullis(server).requireToken()).toThrow(ConfigurationError)
    const { requireToken, optionalToken } = portcullis(server, { resource: 'https://api.example.com/b' })
    const app = express()
    app.get('/', requireToken(), (req, res) => res.json(req.auth.resource))
    app.get('/own', requireToken({ resource: 'https://api.example.com/a' }), (req, res) => res.json(req.auth.resource))
    app.get('/optional', optionalToken({ scope: 'read' }), (req, res) => res.json(req.auth?.resource))
    const token = issuer.mintToken()
    expect((await send(app, token)).body).toBe('"https://api.example.com/b"')
    expect((await send(app, token, '/own')).body).toBe('"https://api.example.com/a"')
    expect((await send(app, token, '/optional')).body).toBe('"https://api.example.com/b"')
  })

  it('[PRM-09] waits for metadata that is being signed', async () => {
    const sign = async () => 'a.b.c'
    const server = makeServer({ resource: { resource: 'https://api.example.com/a', metadata: { sign } } })
    const app = express().use(portcullis(server).metadata())
    const response = await send(app, undefined, '/.well-known/oauth-protected-resource/a')
    expect(JSON.parse(response.body)).toMatchObject({ resource: 'https://api.example.com/a', signed_metadata: 'a.b.c' })
  })

  it('[ADP-08] hands to Express what a faulty server throws, instead of an unhandled rejection', async () => {
    const broken: ResourceServer = {
      ...makeServer(),
      guard: () => () => Promise.reject(new Error('guard')),
      metadata: () => Promise.resolve(undefined),
    }
    const { requireToken, metadata } = portcullis(broken)
    const app = express().use(metadata())
    app.get('/', requireToken(), (_req, res) => res.json('never'))
    const handler: ErrorRequestHandler = (error, _req, res, _next) => res.status(500).json(error.message)
    expect((await send(app.use(handler), 'x')).body).toBe('"guard"')
  })
})
