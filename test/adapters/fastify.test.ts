import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import middie from '@fastify/middie'
import Fastify, { type FastifyInstance, type FastifyPluginAsync, type InjectOptions } from 'fastify'
import {
  ConfigurationError,
  createResourceServer,
  InsufficientScopeError,
  type ResourceServer,
  type ResourceServerOptions,
} from 'portcullis'
import { type FastifyOptions, portcullis } from 'portcullis/fastify'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const issuer = createTestIssuer({ audience: ['https://api.example.com/a', 'https://api.example.com/b'] })
const metadataUrl = '/.well-known/oauth-protected-resource/a'
const challenge = `Bearer resource_metadata="https://api.example.com${metadataUrl}"`

function makeServer(options: Partial<ResourceServerOptions> = {}): ResourceServer {
  return createResourceServer({
    resource: 'https://api.example.com/a',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: 'off',
    ...options,
  })
}

async function makeApp(options: Partial<FastifyOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(portcullis, { server: makeServer(), ...options })
  return app
}

function asking(url: string, token?: string): InjectOptions {
  return { url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }
}

afterAll(() => issuer.close())

describe('the plugin', () => {
  it('is known by its name, and decorates whatever registers it', async () => {
    const app = await makeApp()
    expect(app.hasPlugin('portcullis')).toBe(true)
    expect(app.hasRequestDecorator('auth')).toBe(true)
    expect(app.printPlugins()).toContain('portcullis')
    expect(app.pluginName).toBe('fastify -> portcullis')
    expect(Reflect.get(portcullis, Symbol.for('plugin-meta'))).toEqual({ name: 'portcullis', fastify: '5.x' })
  })

  it('serves a route that names its guard as a hook, and one that declares its requirement', async () => {
    const app = await makeApp()
    app.get('/hook', { onRequest: app.requireToken({ scope: 'read' }) }, async (request) => request.auth?.subject)
    app.get('/config', { config: { portcullis: { scope: 'read' } } }, async (request) => request.auth.subject)
    for (const url of ['/hook', '/config']) {
      expect((await app.inject(asking(url, issuer.mintToken({ sub: 'alice' })))).body).toBe('alice')
      expect((await app.inject(asking(url))).headers['www-authenticate']).toEqual([`${challenge}, scope="read"`])
    }
  })

  it('guards the routes of an instance at once where its hook is added to that', async () => {
    const app = await makeApp()
    app.addHook('onRequest', app.optionalToken())
    app.get('/', async (request) => ({ subject: request.auth?.subject ?? null }))
    expect((await app.inject(asking('/'))).json()).toEqual({ subject: null })
    expect((await app.inject(asking('/', issuer.mintToken({ sub: 'bob' })))).json()).toEqual({ subject: 'bob' })
  })

  it('[ADP-06] guards the HEAD route that Fastify adds, once', async () => {
    const app = await makeApp()
    app.get('/', { config: { portcullis: {} } }, async () => 'secret')
    expect((await app.inject({ method: 'HEAD', url: '/' })).statusCode).toBe(401)
    const answer = await app.inject({ method: 'HEAD', ...asking('/', issuer.mintToken()) })
    expect([answer.statusCode, answer.headers['content-length']]).toEqual([200, '6'])
  })

  it('guards both forms of the root of a prefix', async () => {
    const app = await makeApp()
    await app.register(
      (child, _options, done) => {
        child.get('/', { config: { portcullis: {} } }, async () => 'secret')
        done()
      },
      { prefix: '/api' },
    )
    expect((await app.inject('/api')).statusCode).toBe(401)
    expect((await app.inject('/api/')).statusCode).toBe(401)
  })

  it('runs its guard after the hooks of the instance and before those of the route', async () => {
    const app = await makeApp()
    const seen: unknown[] = []
    app.get(
      '/',
      {
        config: { portcullis: {} },
        onRequest: [
          (request, _reply, done) => {
            seen.push(request.auth.subject)
            done()
          },
        ],
      },
      async () => 'ok',
    )
    app.addHook('onRequest', async (request) => void seen.push(request.auth))
    await app.inject(asking('/', issuer.mintToken({ sub: 'alice' })))
    expect(seen).toEqual([null, 'alice'])
  })

  it('keeps instances apart that register it for themselves', async () => {
    const app = Fastify()
    for (const name of ['a', 'b']) {
      const plugin: FastifyPluginAsync = async (child) => {
        await child.register(portcullis, { server: makeServer({ resource: `https://api.example.com/${name}` }) })
        child.get('/me', { config: { portcullis: {} } }, async (request) => request.auth.resource)
      }
      await app.register(plugin, { prefix: `/${name}` })
    }
    const token = issuer.mintToken()
    expect((await app.inject(asking('/a/me', token))).body).toBe('https://api.example.com/a')
    expect((await app.inject(asking('/b/me', token))).body).toBe('https://api.example.com/b')
    expect(app.hasDecorator('requireToken')).toBe(false)
  })

  it('guards a route by the inner one of two scopes that register it, and keeps the rest of its config', async () => {
    const app = await makeApp({ server: makeServer({ resource: 'https://api.example.com/a' }) })
    const order: string[] = []
    const own = async () => void order.push('own')
    const inner: FastifyPluginAsync = async (child) => {
      const judged = makeServer({ resource: 'https://api.example.com/b', onEvent: ({ type }) => void order.push(type) })
      await child.register(portcullis, { server: judged })
      child.get('/b', { onRequest: own, config: { portcullis: {}, page: 7 } as object }, async (request) => {
        return [request.auth?.resource, request.routeOptions.config]
      })
    }
    await app.register(inner)
    const only = issuer.mintToken({ aud: 'https://api.example.com/b' })
    expect((await app.inject(asking('/b', only))).json()).toMatchObject([
      'https://api.example.com/b',
      { portcullis: {}, page: 7 },
    ])
    expect(order.filter((step) => step === 'own' || step.startsWith('auth.'))).toEqual(['auth.accepted', 'own'])
  })
})

describe('mistakes', () => {
  it('in a declared requirement keep the application from starting', async () => {
    const app = await makeApp()
    const add = (portcullisConfig: object) => () =>
      app.get('/', { config: { portcullis: portcullisConfig } }, async () => 'never')
    expect(add({ scopes: 'read' })).toThrow(ConfigurationError)
    expect(add({ grants: ['https://calendar.test/'] })).toThrow(/createGrants/)
    expect(() => app.requireToken({ maxAgeSeconds: -1 })).toThrow(ConfigurationError)
  })

  it.each([
    ['config: { portculis }', { config: { portculis: {} } }],
    ['config: { Portcullis }', { config: { Portcullis: {} } }],
    ['config: { requireToken }', { config: { requireToken: true } }],
    ['config: { optionalToken }', { config: { optionalToken: {} } }],
    ['portcullis beside config', { portcullis: { scope: 'read' } }],
    ['requiresToken beside config', { requiresToken: true }],
  ])('[REAL-23] in the name of an option stop the start: %s', async (_name, options) => {
    const app = await makeApp()
    expect(() => app.get('/', options as object, async () => 'open')).toThrow(
      /The route GET \/ has `.*`, which has no effect/,
    )
  })

  it('[REAL-23] leave options of others alone', async () => {
    const app = await makeApp()
    app.get('/', { config: { portcullis: {}, token: 'x', port: 1, swagger: {} } as object }, async () => 'ok')
    expect((await app.inject('/')).statusCode).toBe(401)
  })

  it('[REAL-23] in the hook of a guard stop the start', async () => {
    const app = await makeApp()
    for (const name of ['onRequests', 'preSerialization', 'onSend']) {
      const add = () => app.get('/', { [name]: [app.requireToken()] } as object, async () => 'open')
      expect(add, name).toThrow(/has a guard as `.*`, which guards nothing/)
    }
    for (const name of ['onRequest', 'preParsing', 'preValidation', 'preHandler']) {
      app.get(`/${name}`, { [name]: app.requireToken() } as object, async () => 'open')
    }
    for (const name of ['onRequest', 'preParsing', 'preValidation', 'preHandler']) {
      expect((await app.inject(`/${name}`)).statusCode, name).toBe(401)
    }
  })

  it.each([true, 'profile', null, ['read'], () => 'read'])(
    '[REAL-23] in the type of what a route declares stop the start: %j',
    async (declared) => {
      const app = await makeApp()
      const add = () => app.get('/', { config: { portcullis: declared as never } }, async () => 'open')
      expect(add).toThrow(ConfigurationError)
      expect(add).toThrow(/`config\.portcullis` takes a requirement/)
    },
  )

  it('[REAL-23] by omission stop the start where every route has to declare what it demands', async () => {
    const app = await makeApp({ requireDeclaration: true })
    expect(() => app.get('/silent', async () => 'open')).toThrow(/The route GET \/silent says nothing of tokens/)
    app.get('/public', { config: { portcullis: 'public' } }, async (request) => ({ auth: request.auth }))
    app.get('/declared', { config: { portcullis: {} } }, async () => 'ok')
    app.get('/hook', { preHandler: [async () => {}, app.requireToken()] }, async () => 'ok')
    const several = { method: ['GET', 'POST'], url: '/several', handler: async () => 'open' }
    expect(() => app.route(several)).toThrow('The route GET, POST /several says nothing of tokens')
    const statuses = ['/public', '/declared', '/hook'].map(async (url) => (await app.inject(url)).statusCode)
    expect(await Promise.all(statuses)).toEqual([200, 401, 401])
    const lenient = await makeApp()
    lenient.get('/silent', async () => 'open')
    expect((await lenient.inject('/silent')).statusCode).toBe(200)
  })

  it('in the order of registration leave no route open', async () => {
    const app = Fastify()
    app.register(portcullis, { server: makeServer() })
    app.get('/early', { config: { portcullis: {} } }, async () => 'open')
    const answer = await app.inject(asking('/early', issuer.mintToken()))
    expect([answer.statusCode, answer.json().message]).toEqual([500, 'The request could not be handled'])
    const told = Fastify()
    told.setErrorHandler((error: Error, _request, reply) => reply.send(String(error.cause)))
    told.register(portcullis, { server: makeServer() })
    told.get('/early', { config: { portcullis: {} } }, async () => 'open')
    expect((await told.inject('/early')).body).toContain('before the routes it guards, in their scope')
  })

  it('[ADP-05] outside of the scope that registered the plugin leave no route open', async () => {
    const app = Fastify()
    const declaring =
      (url: string): FastifyPluginAsync =>
      async (child) => {
        child.get(url, { config: { portcullis: {} } }, async () => 'open')
      }
    const guarded: FastifyPluginAsync = async (child) => {
      await child.register(portcullis, { server: makeServer() })
      await child.register(declaring('/inside'))
    }
    await app.register(declaring('/elder'))
    await app.register(guarded)
    await app.register(declaring('/younger'))
    app.get('/around', { config: { portcullis: {} } }, async () => 'open')
    const statuses = ['/elder', '/younger', '/around', '/inside'].map(async (url) => (await app.inject(url)).statusCode)
    expect(await Promise.all(statuses)).toEqual([500, 500, 500, 401])
  })

  it.each(['false', 'no', 1, {}])('[ADP-05] make a token optional by true alone, not by %j', async (optional) => {
    const app = await makeApp()
    app.get('/', { config: { portcullis: { optional: optional as never } } }, async () => 'open')
    expect((await app.inject('/')).statusCode).toBe(401)
  })

  it('of a second registration in one instance are errors', async () => {
    const app = await makeApp()
    const again = async () => {
      await app.register(portcullis, { server: makeServer() })
    }
    await expect(again).rejects.toThrow(/already/)
  })
})

describe('request.auth', () => {
  it('[ADP-05] is what `app.authOf` gives, undefined for nobody', async () => {
    const app = await makeApp()
    app.get('/', { onRequest: app.optionalToken() }, async (request) => [app.authOf(request)?.subject ?? 'nobody'])
    expect((await app.inject('/')).json()).toEqual(['nobody'])
    expect((await app.inject(asking('/', issuer.mintToken({ sub: 'alice' })))).json()).toEqual(['alice'])
  })

  it('[ADP-05] is null before anybody asked, and cannot be replaced', async () => {
    const app = await makeApp()
    app.get('/open', async (request) => ({ auth: request.auth }))
    app.get('/', { config: { portcullis: {} } }, async (request) => {
      Object.assign(request, { auth: { subject: 'root' } })
    })
    expect((await app.inject('/open')).json()).toEqual({ auth: null })
    expect((await app.inject(asking('/', issuer.mintToken()))).json()).toMatchObject({
      message: expect.stringContaining('auth'),
      statusCode: 500,
    })
  })

  it('[ADP-05] is gone again when a later guard refuses', async () => {
    const app = await makeApp({ onError: 'throw' })
    app.setErrorHandler((error: Error & { status: number }, request, reply) =>
      reply.code(error.status).send({ auth: request.auth }),
    )
    app.get('/', { onRequest: [app.requireToken(), app.requireToken({ scope: 'admin' })] }, async () => 'never')
    const answer = await app.inject(asking('/', issuer.mintToken()))
    expect([answer.statusCode, answer.json()]).toEqual([403, { auth: null }])
  })
})

describe("the option `onError: 'throw'`", () => {
  it("[E-01] [ADP-02] lets Fastify's own error handler answer with status and challenges", async () => {
    const app = await makeApp({ onError: 'throw' })
    app.addHook('onRequest', async (_request, reply) => void reply.header('WWW-Authenticate', 'Basic realm="app"'))
    app.get('/', { config: { portcullis: {} } }, async () => 'never')
    const answer = await app.inject(asking('/'))
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toEqual(['Basic realm="app"', challenge])
    expect(answer.headers['cache-control']).toBe('no-store')
  })
})

describe('metadata', () => {
  it('[PRM-13] is at the root of the origin, also when the plugin is registered below a prefix', async () => {
    const app = Fastify()
    const inner: FastifyPluginAsync = async (grandchild) => {
      await grandchild.register(portcullis, { server: makeServer() })
    }
    const outer: FastifyPluginAsync = async (child) => {
      await child.register(inner)
    }
    await app.register(outer, { prefix: '/api/v1' })
    const answer = await app.inject(metadataUrl)
    expect([answer.statusCode, answer.json().resource]).toEqual([200, 'https://api.example.com/a'])
    expect((await app.inject(`/api/v1${metadataUrl}`)).statusCode).toBe(404)
  })

  it('goes before a route that takes everything', async () => {
    const app = Fastify()
    app.get('/*', async () => 'page')
    await app.register(portcullis, { server: makeServer() })
    expect((await app.inject(metadataUrl)).json().resource).toBe('https://api.example.com/a')
    expect((await app.inject('/page')).body).toBe('page')
  })

  it('is left out on request', async () => {
    const app = await makeApp({ metadata: false })
    expect((await app.inject(metadataUrl)).statusCode).toBe(404)
  })

  it('[PRM-09] is waited for while it is being signed', async () => {
    const sign = async () => 'a.b.c'
    const app = await makeApp({
      server: makeServer({ resource: { resource: 'https://api.example.com/a', metadata: { sign } } }),
    })
    expect((await app.inject(metadataUrl)).json()).toMatchObject({ signed_metadata: 'a.b.c' })
  })

  it('[ADP-08] hands on what a faulty server throws, and passes when there is nothing to say after all', async () => {
    const passing = await makeApp({ server: { ...makeServer(), metadata: async () => undefined } })
    expect((await passing.inject(metadataUrl)).statusCode).toBe(404)
    const faulty = await makeApp({ server: { ...makeServer(), metadata: () => Promise.reject(new Error('sign')) } })
    expect((await faulty.inject(metadataUrl)).statusCode).toBe(500)
  })
})

describe('beside other plugins', () => {
  it.each(['first', 'last'])(
    '[ADP-03] keeps the fields of @fastify/cors and @fastify/helmet, registered %s',
    async (at) => {
      const app = Fastify()
      if (at === 'last') await app.register(portcullis, { server: makeServer() })
      await app.register(cors, { origin: 'https://app.example', exposedHeaders: ['X-Total'] })
      await app.register(helmet)
      if (at === 'first') await app.register(portcullis, { server: makeServer() })
      app.get('/', { config: { portcullis: {} } }, async (request) => request.auth.subject)
      const refused = await app.inject({ url: '/', headers: { origin: 'https://app.example' } })
      expect(refused.statusCode).toBe(401)
      expect(refused.headers).toMatchObject({
        'access-control-allow-origin': 'https://app.example',
        'access-control-expose-headers': 'X-Total, WWW-Authenticate, DPoP-Nonce',
        'x-content-type-options': 'nosniff',
        'www-authenticate': [challenge],
      })
      expect((await app.inject(asking('/', issuer.mintToken({ sub: 'alice' })))).body).toBe('alice')
      const preflight = await app.inject({
        method: 'OPTIONS',
        url: '/',
        headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
      })
      expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([
        204,
        'https://app.example',
      ])
    },
  )

  it('[ADP-04] works with middleware of @fastify/middie', async () => {
    const app = Fastify()
    await app.register(middie)
    await app.register(portcullis, { server: makeServer() })
    const seen: unknown[] = []
    app.use('/api', (req, _res, next) => {
      seen.push(req.url)
      next()
    })
    app.get('/api/me', { config: { portcullis: {} } }, async (request) => request.auth.subject)
    expect((await app.inject(asking('/api/me', issuer.mintToken({ sub: 'alice' })))).body).toBe('alice')
    expect((await app.inject('/api/me')).statusCode).toBe(401)
    expect(seen).toHaveLength(2)
  })
})

describe('refusals', () => {
  it('[E-05] answer also for a caller nobody was asked about, and leave other errors to Fastify', async () => {
    const app = await makeApp()
    app.setErrorHandler(app.refusals)
    const thrown = [new InsufficientScopeError('write'), new Error('of the application')]
    app.get('/:index', async (request) => {
      throw thrown[Number((request.params as { index: string }).index)]
    })
    const refused = await app.inject('/0')
    expect([refused.statusCode, refused.json().error]).toEqual([403, 'insufficient_scope'])
    expect(refused.headers['www-authenticate']).toEqual([expect.stringContaining('scope="write"')])
    expect((await app.inject('/1')).json()).toMatchObject({ statusCode: 500, message: 'of the application' })
  })
})

describe('a token in a form', () => {
  it('[BEAR-03] is found by a hook that runs after the body is parsed', async () => {
    const app = Fastify()
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(body.toString()))),
    )
    const resource = { resource: 'https://api.example.com/a', bearerMethods: ['header', 'body'] as const }
    await app.register(portcullis, { server: makeServer({ resource }) })
    app.post('/', { preValidation: app.requireToken() }, async (request) => request.auth?.subject)
    const answer = await app.inject({
      method: 'POST',
      url: '/',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: `access_token=${issuer.mintToken({ sub: 'alice' })}`,
    })
    expect(answer.body).toBe('alice')
  })
})

describe('several resources', () => {
  it('[PRM-13] need a name, once for the plugin or on each route', async () => {
    const server = makeServer({ resource: ['https://api.example.com/a', 'https://api.example.com/b'] })
    const app = await makeApp({ server, resource: 'https://api.example.com/b' })
    app.get('/b', { config: { portcullis: {} } }, async (request) => request.auth.resource)
    app.get(
      '/a',
      { config: { portcullis: { resource: 'https://api.example.com/a' } } },
      async (request) => request.auth.resource,
    )
    const token = issuer.mintToken()
    expect((await app.inject(asking('/a', token))).body).toBe('https://api.example.com/a')
    expect((await app.inject(asking('/b', token))).body).toBe('https://api.example.com/b')
    const unnamed = await makeApp({ server })
    expect(() => unnamed.requireToken()).toThrow(ConfigurationError)
  })
})
