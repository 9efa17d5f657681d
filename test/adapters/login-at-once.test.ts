import { fastify } from 'fastify'
import { requireLogin as onExpress, optionalLogin as optionalOnExpress } from 'portcullis/express'
import {
  clientMetadata,
  loginRefusals,
  loginRoutes,
  requireLogin as onFastify,
  optionalLogin as optionalOnFastify,
} from 'portcullis/fastify'
import { withLogin } from 'portcullis/fetch'
import { requireLogin as onKoa, optionalLogin as optionalOnKoa } from 'portcullis/koa'
import { createMemorySessionStore, type SessionStore } from 'portcullis/login'
import { beforeEach, describe, expect, it } from 'vitest'
import { setUpWebLogin, type WebLoginSetUp } from '../support/web-login-set-up.js'

/** A store that answers later, as those of a fleet do. */
function laterStore(): SessionStore {
  const { get, set, touch, delete: remove } = createMemorySessionStore()
  const later =
    <Given extends unknown[], Result>(work: (...given: Given) => Result) =>
    async (...given: Given) =>
      work(...given)
  return { get: later(get), set: later(set), touch: later(touch), delete: later(remove) } as SessionStore
}

describe.each([
  ['at once', true, () => ({})],
  ['later', false, () => ({ sessions: laterStore(), tokens: false as const })],
])('a guard of the login whose store answers %s', (_name, isAtOnce, kept) => {
  let setUp: WebLoginSetUp
  let cookie: string

  beforeEach(async () => {
    setUp = setUpWebLogin(kept())
    await setUp.signIn()
    cookie = [...setUp.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  })

  const requestWith = (headers: Record<string, string>) => {
    return { method: 'GET', url: '/me', headers, rawHeaders: Object.entries(headers).flat() }
  }

  it('[A13] passes Express on, with nothing to wait for where nothing waits', async () => {
    const req = requestWith({ cookie })
    const fields: Record<string, unknown> = {}
    const res = {
      headersSent: false,
      getHeader: () => undefined,
      setHeader: (name: string, value: unknown) => Object.assign(fields, { [name]: value }),
    }
    let passed = 0
    const over = new Promise<void>((resolve) => {
      onExpress(setUp.login)(req as never, res as never, () => {
        passed += 1
        resolve()
      })
    })
    expect(passed).toBe(isAtOnce ? 1 : 0)
    await over
    expect([req, fields]).toMatchObject([{ login: { account: { subject: 'alice' } } }, { 'Cache-Control': 'private' }])
  })

  it('[A13] gives Koa the promise of the handlers behind it', async () => {
    const req = requestWith({ cookie })
    const res = { headersSent: false, getHeader: () => undefined, setHeader: () => undefined }
    const ctx = { state: {}, req, request: req, res }
    const behind = Promise.resolve('of the handlers')
    const given = onKoa(setUp.login)(ctx as never, () => behind)
    expect(given === behind).toBe(isAtOnce)
    expect(await given).toBe('of the handlers')
    expect(ctx.state).toMatchObject({ login: { account: { subject: 'alice' } } })
  })

  it('[A13] calls `done` of Fastify, and gives a promise to who calls it without', async () => {
    const app = fastify()
    const guard = onFastify(setUp.login)
    const steps: string[] = []
    app.get('/done', {
      onRequest(request, reply, done) {
        guard(request, reply, (error) => {
          steps.push('done')
          done(error)
        })
        steps.push('after')
      },
      handler: async ({ login }) => login?.account.subject,
    })
    const handler = async ({ login }: { login?: { account: { subject: string } } | undefined }) =>
      login?.account.subject
    app.get('/promise', { onRequest: async (request, reply) => guard(request, reply), handler })
    app.post('/parsing', { preParsing: guard, handler })
    expect((await app.inject({ url: '/done', headers: { cookie } })).body).toBe('alice')
    expect(steps).toEqual(isAtOnce ? ['done', 'after'] : ['after', 'done'])
    expect((await app.inject({ url: '/promise', headers: { cookie } })).body).toBe('alice')
    expect((await app.inject({ method: 'POST', url: '/parsing', headers: { cookie }, payload: {} })).body).toBe('alice')
    for (const url of ['/done', '/promise']) expect((await app.inject({ url })).statusCode).toBe(401)
    expect((await app.inject({ method: 'POST', url: '/parsing', payload: {} })).statusCode).toBe(401)
  })

  it('puts the login where no handler replaces it by accident, and a later guard does', async () => {
    const req = requestWith({ cookie })
    const res = { headersSent: false, getHeader: () => undefined, setHeader: () => undefined }
    const ctx = { state: {}, req, request: req, res }
    const guarded = async (guard: typeof onExpress | typeof optionalOnExpress) =>
      new Promise<unknown>((resolve) => guard(setUp.login)(req as never, res as never, resolve as never))
    const kept: Record<string, object> = { 'of Express': req, 'of Koa': ctx.state }
    expect(await guarded(optionalOnExpress)).toBeUndefined()
    expect(await guarded(onExpress)).toBeUndefined()
    await optionalOnKoa(setUp.login)(ctx as never, async () => {})
    await onKoa(setUp.login)(ctx as never, async () => {})
    for (const [name, target] of Object.entries(kept)) {
      expect(Object.keys(target), name).not.toContain('login')
      expect(() => Object.assign(target, { login: 'forged' }), name).toThrow(TypeError)
      expect(target, name).toMatchObject({ login: { account: { subject: 'alice' } } })
    }
    const app = fastify()
    const guards = [optionalOnFastify(setUp.login), onFastify(setUp.login)]
    app.get('/', { onRequest: guards }, async ({ login }) => login?.account.subject)
    app.get(
      '/either',
      { onRequest: optionalOnFastify(setUp.login) },
      async ({ login }) => login?.account.subject ?? 'none',
    )
    expect((await app.inject({ url: '/', headers: { cookie } })).body).toBe('alice')
    expect((await app.inject({ url: '/either', headers: { cookie } })).body).toBe('alice')
    expect((await app.inject({ url: '/either' })).body).toBe('none')
  })

  it('[A12] hands an error of a handler on to the handler around that of Fastify', async () => {
    const app = fastify()
    const thrown = new Error('mine')
    app.setErrorHandler((error, _request, reply) => reply.send(`same: ${error === thrown}`))
    app.register(async (child) => {
      child.setErrorHandler(loginRefusals(setUp.login))
      child.get('/', () => Promise.reject(thrown))
    })
    expect((await app.inject('/')).body).toBe('same: true')
  })

  it('tells Fastify its name, and serves the routes of a login from whatever scope', async () => {
    const app = fastify()
    await app.register(loginRoutes(setUp.login)).register(clientMetadata({ at: () => undefined } as never))
    expect(app.pluginName).toBe('fastify -> portcullis-login -> portcullis-client-metadata')
    const scoped = fastify()
    await scoped.register(async (child) => void (await child.register(loginRoutes(setUp.login))), { prefix: '/sub' })
    const headers = { cookie, accept: 'text/html' }
    expect((await scoped.inject({ url: '/auth/logout', headers })).statusCode).toBe(200)
  })

  it('[A12] leaves an error of a fetch handler to its caller', async () => {
    const handle = withLogin(setUp.login, {}, () => Promise.reject(new Error('mine')))
    const request = new Request('https://app.example.com/me', { headers: { cookie } })
    await expect(handle(request)).rejects.toThrow('mine')
  })

  it('[A12] hands a fault of the application to the framework', async () => {
    const fault = setUpWebLogin({
      ...kept(),
      pages: () => {
        throw new Error('a bug')
      },
    })
    const headers = { accept: 'text/html', origin: 'https://evil.example' }
    const handed = await new Promise((resolve) => {
      const req = { ...requestWith(headers), method: 'POST' }
      onExpress(fault.login)(req as never, {} as never, resolve)
    })
    expect(handed).toMatchObject({ status: 500, cause: { message: 'a bug' } })
    const app = fastify()
    app.setErrorHandler((error: Error, _request, reply) => reply.code(500).send(`fault: ${error.cause}`))
    app.post('/', { onRequest: onFastify(fault.login) }, () => 'never')
    expect((await app.inject({ method: 'POST', url: '/', headers })).body).toBe('fault: Error: a bug')
  })
})
