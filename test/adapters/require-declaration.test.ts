import Router from '@koa/router'
import express5, { type Express, type Router as ExpressRouter, type RequestHandler } from 'express'
// @ts-expect-error Express 4 comes without types; the adapter's are those of Express 5.
import express4 from 'express4'
import Koa, { type Middleware } from 'koa'
import { ConfigurationError, createResourceServer } from 'portcullis'
import * as ours from 'portcullis/express'
import * as ourKoa from 'portcullis/koa'
import request from 'supertest'
import { describe, expect, it } from 'vitest'

const server = createResourceServer({ resource: 'https://api.test/', issuer: 'https://issuer.test' })
const { requireToken, optionalToken, publicRoute, requireDeclaration } = ours.portcullis(server)

const handler: RequestHandler = (_req, res) => void res.json('open')
const other: RequestHandler = (_req, _res, next) => next()

interface ExpressModule {
  (): Express
  Router(): ExpressRouter
}

/** What passes, with the paths of its routes, each of which has to refuse a request without a token. */
const declared: readonly [string, readonly string[], (app: Express, express: ExpressModule) => void][] = [
  ['a guard before the handler', ['/a'], (app) => app.get('/a', requireToken(), handler)],
  ['another handler before the guard', ['/a'], (app) => app.get('/a', other, requireToken({ scope: 'x' }), handler)],
  [
    'a guard for all methods of a route',
    ['/a'],
    (app) => app.route('/a').all(requireToken()).get(handler).post(handler),
  ],
  ['a guard in front of all', ['/a', '/b/c'], (app) => app.use(requireToken()).get(['/a', '/b/c'], handler)],
  ['a guard at the path of the route', ['/a'], (app) => app.use('/a', requireToken()).get('/a', handler)],
  ['a guard above the path', ['/a/b', '/a/b/'], (app) => app.use('/a', requireToken()).get('/a/b', handler)],
  ['a guard at a list of paths', ['/a/1'], (app) => app.use('/a', requireToken()).get(['/a/:id', '/a'], handler)],
  [
    'a guard beside a router',
    ['/api/me', '/api/x/deep'],
    (app, express) => {
      const inner = express.Router().get('/deep', handler)
      app.use('/api', requireToken(), express.Router().get('/me', handler).use('/x', inner))
    },
  ],
  [
    'a guard in a router, which may be mounted at a pattern',
    ['/api/me', '/v1/me'],
    (app, express) => {
      const router = express.Router().use(requireToken()).get('/me', handler)
      app.use('/api', router).use(/^\/v\d/, router)
    },
  ],
  [
    'a guard above a router without a path, and a longer one',
    ['/a/b/c', '/a/b/c/'],
    (app, { Router: router }) => app.use('/a/b/', requireToken()).use(router().get('/a/b/c', handler)),
  ],
  [
    'a guard in front of an application',
    ['/sub/me'],
    (app, express) => app.use('/sub', requireToken(), express().get('/me', handler)),
  ],
]

/** What does not: the handler answers without a token, or nobody can tell. */
const undeclared: readonly [string, RegExp, (app: Express, express: ExpressModule) => void][] = [
  ['no guard', /The route GET \/a says nothing of tokens/, (app) => app.get('/a', handler)],
  ['a guard behind the handler', /GET \/a says/, (app) => app.get('/a', handler, requireToken())],
  ['a guard of another method', /POST \/a says/, (app) => app.route('/a').get(requireToken(), handler).post(handler)],
  ['a guard behind the route', /GET \/a says/, (app) => app.get('/a', handler).use(requireToken())],
  ['a guard at another path', /GET \/ab says/, (app) => app.use('/a', requireToken()).get('/ab', handler)],
  ['a guard at one of two paths', /says nothing/, (app) => app.use('/a', requireToken()).get(['/a', '/b'], handler)],
  ['a guard at a pattern', /GET \/a says/, (app) => app.use(/^\/b/, requireToken()).get('/a', handler)],
  ['all methods, and no guard', /ALL \/a says/, (app) => app.all('/a', handler)],
  [
    'a guard in another router',
    /GET \/b\/me says/,
    (app, { Router: router }) => app.use('/a', router().use(requireToken())).use('/b', router().get('/me', handler)),
  ],
  [
    'a guard at the path of another router',
    /GET \/b\/me says/,
    (app, { Router: router }) => app.use('/a', requireToken()).use('/b', router().get('/me', handler)),
  ],
  [
    'an application without a guard in front of it',
    /The application mounted at \/sub cannot be looked into/,
    (app, express) => app.use('/sub', express().get('/me', requireToken(), handler)),
  ],
  [
    'an application at a pattern',
    /The application mounted at a pattern/,
    (app, express) => app.use(/^\/s/, express().get('/me', handler)),
  ],
  [
    'a guard at one of two paths of a router',
    /GET \(of a pattern\) says/,
    (app, { Router: router }) =>
      app.use('/a', requireToken()).use(['/a', '/b'], router().get('/me', handler).use(router().get('/x', handler))),
  ],
  [
    'a router at a pattern',
    /GET \(of a pattern\) says/,
    (app, { Router: router }) => app.use(/^\/s/, router().use('/a', requireToken()).get('/a/b', handler)),
  ],
  [
    'eight methods, and no guard',
    /GET \/a says/,
    (app) => {
      const route = app.route('/a').get(handler).post(handler).put(handler).delete(handler)
      route.patch(handler).options(handler).head(handler).trace(handler)
    },
  ],
  ['a path with a slash at the end', /GET \/a says/, (app) => app.get('/a/', handler)],
  ['no route', /found no route/, (app) => app.use(requireToken())],
  ['nothing at all', /found no route/, () => {}],
]

describe.each([
  ['Express 5', express5 as unknown as ExpressModule],
  ['Express 4', express4 as unknown as ExpressModule],
])('requireDeclaration of %s', (_name, express) => {
  it.each(declared)('[REAL-23] starts with %s, and the guard does guard', async (_what, paths, add) => {
    const app = express()
    add(app, express)
    expect(() => requireDeclaration(app)).not.toThrow()
    for (const path of paths) expect((await request(app).get(path)).status, path).toBe(401)
  })

  it.each(undeclared)('[REAL-23] does not start with %s', (_what, message, add) => {
    const app = express()
    add(app, express)
    expect(() => requireDeclaration(app)).toThrow(ConfigurationError)
    expect(() => requireDeclaration(app)).toThrow(message)
  })

  it('[REAL-23] starts with a route that says it is public, and serves it', async () => {
    const router = express.Router().get('/open', publicRoute(), handler).get('/either', optionalToken(), handler)
    expect(() => requireDeclaration(router)).not.toThrow()
    const app = express().use('/docs', publicRoute(), express.Router().get('/', handler)).use(router)
    expect(() => requireDeclaration(app)).not.toThrow()
    for (const path of ['/open', '/either', '/docs']) expect((await request(app).get(path)).status, path).toBe(200)
  })

  it('[REAL-23] passes over a route without a handler', () => {
    const app = express()
    app.route('/later')
    expect(() => requireDeclaration(app)).toThrow(/found no route/)
  })
})

it('[REAL-23] counts a guard beside a router where Express 5 tells that both are at the same paths', async () => {
  const app = express5().use(['/x', '/y'], requireToken(), express5.Router().get('/me', handler))
  expect(() => requireDeclaration(app)).not.toThrow()
  for (const path of ['/x/me', '/y/me']) expect((await request(app).get(path)).status, path).toBe(401)
})

it('[REAL-23] counts no guard at a path that an older Express 5 does not tell', () => {
  const layer = (handle: unknown) => ({ name: 'x', handle, slash: false })
  const router = express5.Router().get('/me', handler)
  expect(() => requireDeclaration({ stack: [layer(requireToken()), layer(router)] } as never)).toThrow(/says nothing/)
})

describe('requireDeclaration of Koa', () => {
  const koa = ourKoa.portcullis(server)
  const open: Middleware = (ctx) => {
    ctx.body = 'open'
  }
  const pass: Middleware = (_ctx, next) => next()

  it.each<[string, readonly string[], (app: Koa, router: Router) => void]>([
    [
      'a guard before the handler',
      ['/a'],
      (app, router) => app.use(router.get('/a', koa.requireToken(), open).routes()),
    ],
    [
      'a guard in front of all',
      ['/a'],
      (app, router) => app.use(koa.requireToken()).use(router.get('/a', open).routes()),
    ],
    [
      'a guard of a router',
      ['/a', '/b'],
      (app, router) => app.use(router.use(koa.requireToken()).get(['/a', '/b'], open).routes()),
    ],
    [
      'a guard above the path',
      ['/a/1'],
      (app, router) => app.use(router.use('/a', koa.requireToken()).get('/a/:id', open).routes()),
    ],
    [
      'a guard of a nested router',
      ['/v1/api/me', '/v1/api/'],
      (app) => {
        const nested = new Router().use(koa.requireToken()).get('/me', open).get('/', open)
        app.use(new Router({ prefix: '/v1' }).use('/api', nested.routes()).routes())
      },
    ],
    [
      'a guard beside a nested router',
      ['/api/me'],
      (app, router) => app.use(router.use('/api', koa.requireToken(), new Router().get('/me', open).routes()).routes()),
    ],
  ])('[REAL-23] starts with %s, and the guard does guard', async (_what, paths, add) => {
    const app = new Koa()
    add(app, new Router())
    expect(() => koa.requireDeclaration(app)).not.toThrow()
    for (const path of paths) expect((await request(app.callback()).get(path)).status, path).toBe(401)
  })

  it.each<[string, RegExp, (router: Router, app: Koa) => void]>([
    ['no guard', /The route GET \/a says nothing of tokens/, (router) => router.get('/a', open)],
    ['a guard behind the handler', /GET \/a says/, (router) => router.get('/a', open, koa.requireToken())],
    ['a guard behind the route', /GET \/a says/, (router) => router.get('/a', open).use(koa.requireToken())],
    ['other middleware in front', /ALL \/a says/, (router) => router.use(pass).all('/a', open)],
    ['a guard at another path', /GET \/ab says/, (router) => router.use('/a', koa.requireToken()).get('/ab', open)],
    ['several methods', /GET, POST \/a says/, (router) => router.register('/a/', ['GET', 'POST'], [open])],
    [
      'eight methods',
      /GET, POST, PUT, DELETE, PATCH, OPTIONS, TRACE, LINK \/a says/,
      (router) => router.register('/a', ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'LINK'], [open]),
    ],
    ['a guard at the root alone', /GET \/a says/, (router) => router.use('/', koa.requireToken()).get('/a', open)],
    ['a guard at a pattern', /GET \/a says/, (router) => router.use(/^\/b/, koa.requireToken()).get('/a', open)],
    [
      'a route at a pattern',
      /GET \(of a pattern\) says/,
      (router) => router.use('/a', koa.requireToken()).get(/^\/a/, open),
    ],
    [
      'a guard in another router',
      /GET \/a says/,
      (router, app) => {
        app.use(new Router().use(koa.requireToken()).routes())
        router.get('/a', open)
      },
    ],
    [
      'a guard at the root alone of a nested router',
      /GET \/api\/me says/,
      (router) => router.use('/api', new Router().use('/', koa.requireToken()).get('/me', open).routes()),
    ],
    ['no route', /found no route/, (router) => router.use(koa.requireToken())],
  ])('[REAL-23] does not start with %s', (_what, message, add) => {
    const app = new Koa()
    const router = new Router()
    add(router, app)
    app.use(pass).use(router.routes())
    expect(() => koa.requireDeclaration(app)).toThrow(ConfigurationError)
    expect(() => koa.requireDeclaration(router)).toThrow(message)
    expect(() => koa.requireDeclaration(app)).toThrow(message)
  })

  /** A router of an older release: what it keeps of `use` with a path, and of the route behind it. */
  const older = (path: string, ...used: Middleware[]) => ({
    stack: [
      { path, methods: [], stack: used, opts: { end: false } },
      { path: '/a/b/c', methods: ['GET'], stack: [open], opts: {} },
    ],
  })

  it.each(['/a', '/a(.*)', '/a/(.*)', '/a([^/]*)', '/a(?:\\/|$)', '/a{/*rest}', '(.*)'])(
    '[REAL-23] counts a guard that an older router keeps at %s',
    (path) => {
      expect(() => koa.requireDeclaration(older(path, pass, koa.requireToken()) as never)).not.toThrow()
    },
  )

  it.each(['/a(.*)/b', '/b(.*)', '/:x(.*)/b'])('[REAL-23] counts none that an older router keeps at %s', (path) => {
    expect(() => koa.requireDeclaration(older(path, koa.requireToken()) as never)).toThrow(/GET \/a\/b\/c says/)
  })

  it('[REAL-23] does not count the guards that an exclusive router passes over', async () => {
    const router = new Router({ exclusive: true }).use(koa.requireToken()).get('/a', open)
    const app = new Koa().use(router.routes())
    expect((await request(app.callback()).get('/a')).text).toBe('open')
    expect(() => koa.requireDeclaration(app)).toThrow(/GET \/a says/)
  })

  it('[REAL-23] starts with a route that says it is public, and serves it', async () => {
    const router = new Router().get('/open', koa.publicRoute(), open).get('/either', koa.optionalToken(), open)
    expect(() => koa.requireDeclaration(router)).not.toThrow()
    const app = new Koa().use(router.routes())
    for (const path of ['/open', '/either']) expect((await request(app.callback()).get(path)).text, path).toBe('open')
  })
})
