import { Hono } from 'hono'
import { cors } from 'hono/cors'
import {
  ConfigurationError,
  createGrants,
  createResourceServer,
  type GrantClient,
  MissingTokenError,
  type ResourceServer,
  type ResourceServerOptions,
} from 'portcullis'
import { portcullis } from 'portcullis/fetch'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { afterAll, describe, expect, it } from 'vitest'

const issuer = createTestIssuer({ audience: ['https://api.example.com/a', 'https://api.example.com/b'] })
const challenge = 'Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/a"'
const calendar = 'https://calendar.test/'

const client: GrantClient = {
  issuer: 'https://issuer.test',
  clientId: 'gateway',
  exchangeToken: async () => ({
    accessToken: 'for-calendar',
    tokenType: 'Bearer',
    expiresAt: undefined,
    scope: [],
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
  }),
}

function makeServer(options: Partial<ResourceServerOptions> = {}): ResourceServer {
  return createResourceServer({
    resource: 'https://api.example.com/a',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: 'off',
    ...options,
  })
}

function asking(token?: string, init: RequestInit = {}): Request {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return new Request('https://api.example.com/me', { headers, ...init })
}

const preflight = () => asking(undefined, { method: 'OPTIONS', headers: { 'access-control-request-method': 'GET' } })

afterAll(() => issuer.close())

describe('a guard', () => {
  it('[ADP-05] tells who calls, and remembers it for the request', async () => {
    const gate = portcullis(makeServer())
    const request = asking(issuer.mintToken({ sub: 'alice' }))
    const result = await gate.requireToken({ scope: 'read' })(request)
    expect(result.ok && result.auth.subject).toBe('alice')
    expect(gate.authOf(request)).toBe(result.ok && result.auth)
    expect(gate.authOf(asking())).toBeUndefined()
  })

  it('[ADP-05] forgets who called when a later guard refuses', async () => {
    const gate = portcullis(makeServer())
    const request = asking(issuer.mintToken())
    await gate.requireToken()(request)
    expect((await gate.requireToken({ scope: 'admin' })(request)).ok).toBe(false)
    expect(gate.authOf(request)).toBeUndefined()
  })

  it('[E-01] [ADP-02] refuses with a whole response, next to the fields that were set', async () => {
    const headers = new Headers({ 'WWW-Authenticate': 'Basic realm="app"', 'X-Total': '3' })
    const result = await portcullis(makeServer()).requireToken()(asking(), { headers })
    if (result.ok) throw new Error('let through')
    expect([result.response.status, result.preflight, await result.response.text()]).toEqual([401, false, ''])
    expect(result.response.headers.get('WWW-Authenticate')).toBe(`Basic realm="app", ${challenge}`)
    expect(result.response.headers.get('X-Total')).toBe('3')
    expect(headers.get('WWW-Authenticate')).toBe(`Basic realm="app", ${challenge}`)
  })

  it('[ADP-03] tells a preflight from a refusal', async () => {
    const result = await portcullis(makeServer()).requireToken()(preflight())
    if (result.ok) throw new Error('let through')
    expect([result.response.status, result.preflight]).toEqual([204, true])
  })

  it('[ADP-05] lets anonymous callers pass where a token is optional', async () => {
    const gate = portcullis(makeServer())
    const result = await gate.optionalToken()(asking())
    expect(result).toMatchObject({ ok: true, auth: undefined })
  })

  it('[DPOP-20] gives the fields a response needs', async () => {
    const nonce = { secrets: ['0123456789abcdef0123456789abcdef'], onSuccess: true }
    const gate = portcullis(makeServer({ dpop: { nonce } }))
    const client = createDpopClient()
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const send = (given?: string) => {
      const headers = client.headers({ url: 'https://api.example.com/me', accessToken, nonce: given })
      return gate.withAuth({}, (_request, auth) => Response.json(auth.scheme))(asking(undefined, { headers }))
    }
    const first = await send()
    expect([first.status, first.headers.has('DPoP-Nonce')]).toEqual([401, true])
    const second = await send(first.headers.get('DPoP-Nonce') ?? '')
    expect([second.status, await second.json()]).toEqual([200, 'DPoP'])
    expect(second.headers.get('DPoP-Nonce')).not.toBeNull()
    expect(second.headers.get('Content-Type')).toBe('application/json')
  })

  it('hears from the platform what a request does not say', async () => {
    const seen: unknown[] = []
    const server = makeServer()
    const gate = portcullis(
      {
        ...server,
        guard: () => async (facts) => {
          seen.push(facts.remoteAddress)
          return server.refuse(new MissingTokenError())
        },
      },
      { connection: () => ({ remoteAddress: '10.0.0.1' }) },
    )
    await gate.requireToken()(asking())
    await gate.requireToken()(asking(), { remoteAddress: '10.0.0.2' })
    expect(seen).toEqual(['10.0.0.1', '10.0.0.2'])
  })
})

describe('withAuth', () => {
  it('hands the request, the identity and whatever the platform adds to the handler', async () => {
    const handler = portcullis(makeServer()).withAuth({}, async (request, auth, env: { name: string }, more: number) =>
      Response.json([request.method, auth.subject, env.name, more]),
    )
    const response = await handler(asking(issuer.mintToken({ sub: 'alice' })), { name: 'worker' }, 3)
    expect(await response.json()).toEqual(['GET', 'alice', 'worker', 3])
  })

  it('gives back the very response of the handler where there is nothing to add', async () => {
    const answer = new Response('x')
    expect(await portcullis(makeServer()).withAuth({}, () => answer)(asking(issuer.mintToken()))).toBe(answer)
  })

  it('[ADP-03] does not run the handler for a preflight, which carries no token', async () => {
    const handler = portcullis(makeServer()).withAuth({}, () => {
      throw new Error('ran')
    })
    const response = await handler(preflight())
    expect([response.status, await response.text()]).toEqual([204, ''])
  })

  it('[E-14] leaves errors of the handler to the platform', async () => {
    const handler = portcullis(makeServer()).withAuth({}, () => Promise.reject(new Error('the handler failed')))
    await expect(handler(asking(issuer.mintToken()))).rejects.toThrow('the handler failed')
  })

  it('[TX-12] acquires the tokens a route declares', async () => {
    const gate = portcullis(makeServer(), { grants: createGrants({ client }) })
    const handler = gate.withAuth({ scope: 'read', grants: [calendar] }, (_request, auth) =>
      Response.json(auth.access.token(calendar)),
    )
    expect(await (await handler(asking(issuer.mintToken()))).json()).toBe('for-calendar')
    expect((await handler(asking())).status).toBe(401)
  })

  it('[REAL-24] adds the grants of a later step to those of a guard, for the same caller', async () => {
    const gate = portcullis(makeServer(), { grants: createGrants({ client }) })
    const request = asking(issuer.mintToken())
    expect(await gate.grant(calendar)(request)).toMatchObject({ ok: false, response: { status: 401 } })
    await gate.requireToken({ grants: ['https://contacts.test/'] })(request)
    const result = await gate.grant(calendar)(request)
    expect(result.ok && result.auth.access.declared).toEqual(['https://contacts.test/', calendar])
    expect(gate.authOf(request)).toBe(result.ok && result.auth)
  })

  it('refuses to be made of a requirement that cannot be right, or of grants without an engine', () => {
    const gate = portcullis(makeServer())
    expect(() => gate.withAuth({ maxAgeSeconds: -1 }, () => new Response())).toThrow(ConfigurationError)
    expect(() => gate.withAuth({ grants: [calendar] }, () => new Response())).toThrow(/createGrants/)
  })
})

describe('several resources', () => {
  it('[PRM-13] need a name, once for the gate or on each route', async () => {
    const server = makeServer({ resource: ['https://api.example.com/a', 'https://api.example.com/b'] })
    expect(() => portcullis(server).requireToken()).toThrow(ConfigurationError)
    const gate = portcullis(server, { resource: 'https://api.example.com/b' })
    const request = asking(issuer.mintToken())
    await gate.requireToken()(request)
    expect(gate.authOf(request)?.resource).toBe('https://api.example.com/b')
    await gate.requireToken({ resource: 'https://api.example.com/a' })(request)
    expect(gate.authOf(request)?.resource).toBe('https://api.example.com/a')
  })
})

describe('metadata', () => {
  it('[PRM-03] is a response where a request asks for it', async () => {
    const gate = portcullis(makeServer())
    const response = await gate.metadata(new Request('https://x.test/.well-known/oauth-protected-resource/a'))
    expect(await response?.json()).toMatchObject({ resource: 'https://api.example.com/a' })
    expect(await gate.metadata(asking())).toBeUndefined()
  })
})

describe('in Hono', () => {
  it('[ADP-03] keeps the fields of hono/cors on refusals', async () => {
    const gate = portcullis(makeServer())
    const guard = gate.requireToken()
    const app = new Hono()
    app.use(cors({ origin: 'https://app.example', exposeHeaders: ['X-Total'] }))
    app.use(async (c, next) => {
      const result = await guard(c.req.raw, { headers: c.res.headers })
      return result.ok ? next() : result.response
    })
    app.get('/me', (c) => c.json(gate.authOf(c.req.raw)?.subject))
    const headers = { origin: 'https://app.example' }
    const refused = await app.request('/me', { headers })
    expect([refused.status, refused.headers.get('Access-Control-Allow-Origin')]).toEqual([401, 'https://app.example'])
    expect(refused.headers.get('Access-Control-Expose-Headers')).toBe('X-Total, WWW-Authenticate, DPoP-Nonce')
    expect(refused.headers.get('WWW-Authenticate')).toBe(challenge)
  })
})
