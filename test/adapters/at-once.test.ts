import Fastify from 'fastify'
import { type AuthResult, createResourceServer, type Requirement, type ResourceServerOptions } from 'portcullis'
import { portcullis as expressGate } from 'portcullis/express'
import { portcullis as fastifyPlugin } from 'portcullis/fastify'
import { portcullis as koaGate } from 'portcullis/koa'
import { createTestIssuer, requestFacts } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const issuer = createTestIssuer()
const later: Requirement = { allow: async () => true }

afterAll(() => issuer.close())

async function warmServer(options: Partial<ResourceServerOptions> = {}) {
  const { issuer: identifier, fetch } = issuer
  const server = createResourceServer({ resource: 'https://api.example.com', issuer: identifier, fetch, ...options })
  await server.verify(issuer.mintToken())
  return server
}

function withToken(token: string = issuer.mintToken({ sub: 'alice' })) {
  return { authorization: `Bearer ${token}` }
}

function nodeRequest(headers: Record<string, string> = withToken()) {
  return { method: 'GET', url: '/', headers, rawHeaders: Object.entries(headers).flat() }
}

describe('a guard', () => {
  it('[REAL-22] gives its result at once where nothing waits: a new token, the same again, a refusal', async () => {
    const server = await warmServer()
    const headers = withToken()
    const foreign = withToken(issuer.mintToken({ aud: 'https://elsewhere.example.com' }))
    const told = [headers, headers, {}, foreign].map((sent) => server.optionalGuard()(requestFacts({ headers: sent })))
    expect(told.map((one) => one instanceof Promise || (one.ok ? one.auth?.subject : one.error.status))).toEqual([
      'alice',
      'alice',
      undefined,
      401,
    ])
  })

  it('[REAL-22] gives a promise where something waits, and nothing that could be taken for a caller', async () => {
    const waiting = [
      (await warmServer()).guard(later),
      (await warmServer({ isRevoked: async () => false })).guard(),
      createResourceServer({
        resource: 'https://api.example.com',
        issuer: issuer.issuer,
        fetch: issuer.fetch,
      }).guard(),
    ]
    for (const guard of waiting) {
      const judged = guard(requestFacts({ headers: withToken() }))
      expect(judged).toBeInstanceOf(Promise)
      expect((judged as Partial<AuthResult>).ok).toBeUndefined()
      expect(await judged).toMatchObject({ ok: true, auth: { subject: 'alice' } })
    }
  })

  it('[E-12] refuses by the promise what is refused later', async () => {
    const guard = (await warmServer()).guard({ allow: async () => false })
    expect(await guard(requestFacts({ headers: withToken() }))).toMatchObject({ ok: false, error: { status: 403 } })
  })
})

describe('Express', () => {
  async function call(requirement?: Requirement) {
    const guard = expressGate(await warmServer()).requireToken(requirement)
    const request = nodeRequest()
    const handed: unknown[] = []
    const passed = new Promise<void>((resolve) => {
      guard(request as never, { headersSent: false } as never, (error) => resolve(void handed.push(error)))
    })
    return { request, handed, passed }
  }

  it('[ADP-05] reaches the handler before the guard returns', async () => {
    const { request, handed } = await call()
    expect(handed).toEqual([undefined])
    expect(request).toMatchObject({ auth: { subject: 'alice' } })
  })

  it('[ADP-05] reaches the handler once the answer is there where something waits', async () => {
    const { request, handed, passed } = await call(later)
    expect(handed).toEqual([])
    await passed
    expect(request).toMatchObject({ auth: { subject: 'alice' } })
  })
})

describe('Koa', () => {
  it.each([[undefined], [later]])('[ADP-05] gives the promise of the handlers behind it: %o', async (requirement) => {
    const guard = koaGate(await warmServer()).requireToken(requirement)
    const req = nodeRequest()
    const behind = Promise.resolve('of the handlers')
    const ctx = { state: {}, req, request: req, res: { headersSent: false } }
    const given = guard(ctx as never, () => behind)
    expect(given === behind).toBe(requirement === undefined)
    expect(await given).toBe('of the handlers')
    expect(ctx.state).toMatchObject({ auth: { subject: 'alice' } })
  })
})

describe('Fastify', () => {
  async function app() {
    const instance = Fastify()
    await instance.register(fastifyPlugin, { server: await warmServer() })
    return instance
  }

  it('[ADP-05] calls `done` before the hook returns', async () => {
    const instance = await app()
    const steps: string[] = []
    instance.get('/', {
      onRequest(request, reply, done) {
        steps.push('before')
        instance.requireToken()(request, reply, (error) => {
          steps.push(`${error}`)
          done(error)
        })
        steps.push('after')
      },
      handler: async ({ auth }) => auth?.subject,
    })
    expect((await instance.inject({ url: '/', headers: withToken() })).body).toBe('alice')
    expect(steps).toEqual(['before', 'undefined', 'after'])
  })

  it.each([
    ['allowed', true, 200],
    ['refused', false, 403],
  ])(
    '[ADP-05] calls the `done` that it was given once something that waits is there, and not where it answers: %s',
    async (_what, allowed, status) => {
      const instance = await app()
      const steps: string[] = []
      instance.get('/', {
        onRequest(request, reply, done) {
          instance.requireToken({ allow: async () => allowed })(request, reply, (error) => {
            steps.push(`${error}`)
            done(error)
          })
          steps.push('after')
        },
        handler: async ({ auth }) => auth?.subject,
      })
      const answer = await instance.inject({ url: '/', headers: withToken(), signal: AbortSignal.timeout(60_000) })
      expect(answer.statusCode).toBe(status)
      expect(steps).toEqual(allowed ? ['after', 'undefined'] : ['after'])
    },
  )

  it('[ADP-05] gives a promise to a hook that calls it without `done`', async () => {
    const instance = await app()
    instance.get('/', {
      onRequest: async (request, reply) => instance.requireToken()(request, reply),
      handler: async ({ auth }) => auth?.subject,
    })
    expect((await instance.inject({ url: '/', headers: withToken() })).body).toBe('alice')
    expect((await instance.inject('/')).statusCode).toBe(401)
  })

  it('[ADP-05] guards as `preParsing` too, where the third argument is the body', async () => {
    const instance = await app()
    instance.post('/', { preParsing: instance.requireToken(), handler: async ({ auth }) => auth?.subject })
    const post = { method: 'POST', url: '/', payload: { a: 1 } } as const
    expect((await instance.inject({ ...post, headers: withToken() })).body).toBe('alice')
    expect((await instance.inject(post)).statusCode).toBe(401)
  })

  it('[E-14] hands a fault to the error handler, found at once or later', async () => {
    const instance = await app()
    const throwing = () => {
      throw new Error('of the application')
    }
    instance.get('/now', { onRequest: instance.requireToken({ allow: throwing }), handler: async () => 'never' })
    const rejecting = instance.requireToken({ allow: async () => throwing() })
    instance.get('/later', { onRequest: rejecting, handler: async () => 'never' })
    for (const url of ['/now', '/later']) {
      const { statusCode, body } = await instance.inject({ url, headers: withToken() })
      expect(statusCode).toBe(500)
      expect(body).not.toContain('of the application')
    }
  })
})
