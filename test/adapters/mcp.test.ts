import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import * as sdkErrors from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { OAuthError, requireBearerAuth as requireBearerAuth2 } from '@modelcontextprotocol/server'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import {
  AccessDeniedError,
  Auth,
  ConfigurationError,
  createGrants,
  createResourceServer,
  ResourceAccessError,
  type ResourceServerOptions,
} from 'portcullis'
import { type ExactRequest, type ExactResponse, exchange } from 'portcullis/adapter-testing'
import { portcullis } from 'portcullis/express'
import { authOf, type McpGateOptions, mcpGate, sessionKey, toAuthInfo, tokenVerifier } from 'portcullis/mcp'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { parseChallenge } from '../support/parse-challenges.js'
import { serveFetch } from '../support/serve-fetch.js'

const resource = 'https://mcp.test/mcp'
const calendar = 'https://calendar.test'
const issuer = createTestIssuer({ audience: resource })
const closing: (() => unknown)[] = []

function makeServer(options: Partial<ResourceServerOptions> = {}) {
  return createResourceServer({
    resource,
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    implies: { 'files:admin': ['files:write'] },
    dpop: 'off',
    ...options,
  })
}

const server = makeServer()
const tools: McpGateOptions['tools'] = {
  read: { scope: 'files:read' },
  write: { scope: 'files:write' },
  pay: { scope: 'pay', acr: 'gold' },
}
const options: McpGateOptions = { requirement: { scope: 'mcp' }, tools }

async function listen(handler: RequestListener): Promise<string> {
  const listening = createServer(handler).listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  closing.push(() => new Promise((resolve) => listening.close(resolve)))
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

/** One application for each framework: answers with who calls, as the SDK and as we see it. */
const applications: Readonly<Record<string, (given?: McpGateOptions) => Promise<string>>> = {
  Express: (given = options) => {
    const app = express().use(express.json({ limit: '5mb' }), express.text())
    app.all('/mcp', mcpGate(server, given).forExpress(), (req, res) => void res.json(seen(Reflect.get(req, 'auth'))))
    return listen(app)
  },
  async Fastify(given = options) {
    const app = Fastify({ bodyLimit: 5_000_000 })
    app.all('/mcp', { preHandler: mcpGate(server, given).forFastify() }, async (request) =>
      seen(Reflect.get(request.raw, 'auth')),
    )
    closing.push(() => app.close())
    return app.listen({ host: '127.0.0.1', port: 0 })
  },
  Koa: (given = options) => {
    const app = new Koa()
    app.use(async (ctx, next) => {
      const chunks: Buffer[] = []
      for await (const chunk of ctx.req) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      if (ctx.get('content-type') === 'application/json') Object.assign(ctx.request, { body: JSON.parse(text) })
      await next()
    })
    app.use(mcpGate(server, given).forKoa())
    app.use((ctx) => {
      ctx.body = { ...seen(Reflect.get(ctx.req, 'auth')), ours: ctx.state['auth']?.subject }
    })
    return listen(app.callback())
  },
  async Fetch(given = options) {
    const gate = mcpGate(server, given).forFetch((_request, { authInfo, parsedBody }) =>
      Response.json({ ...seen(authInfo), parsed: parsedBody !== undefined }),
    )
    const application = await serveFetch(gate)
    closing.push(application.close)
    return application.origin
  },
}

function seen(authInfo: { readonly clientId: string; readonly scopes: readonly string[] } | undefined) {
  return { client: authInfo?.clientId, scopes: authInfo?.scopes, ours: authOf(authInfo)?.subject }
}

function call(
  tool: unknown,
  claims: Record<string, unknown> | undefined,
  rest: Partial<ExactRequest> = {},
): ExactRequest {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: {} } }
  return {
    method: 'POST',
    path: '/mcp',
    body: JSON.stringify(message),
    ...rest,
    fields: [
      ['Content-Type', 'application/json'],
      ...(claims === undefined ? [] : [['Authorization', `Bearer ${issuer.mintToken(claims)}`] as const]),
      ...(rest.fields ?? []),
    ],
  }
}

function challenge(response: ExactResponse) {
  return parseChallenge(response.fields('WWW-Authenticate')[0] ?? '')
}

afterEach(async () => {
  issuer.restore()
  await Promise.all(closing.splice(0).map((close) => close()))
})
afterAll(() => issuer.close())

describe.each(Object.entries(applications))('the MCP gate on %s', (_name, start) => {
  it('[MCP-07] [MCP-05] [S3-01] hands the caller to the SDK in its own shape, and keeps ours in it', async () => {
    const origin = await start()
    const response = await exchange(origin, call('other', { sub: 'alice', scope: 'mcp', client_id: 'desktop' }))
    expect(response.status).toBe(200)
    expect(JSON.parse(response.body)).toMatchObject({ client: 'desktop', scopes: ['mcp'], ours: 'alice' })
  })

  it('[MCP-02] [MCP-04] [MCP-07] challenges with the metadata and the scope the endpoint needs', async () => {
    const response = await exchange(await start(), call('read', undefined))
    expect(response.status).toBe(401)
    expect(Object.fromEntries(challenge(response).parameters)).toEqual({
      resource_metadata: 'https://mcp.test/.well-known/oauth-protected-resource/mcp',
      scope: 'mcp',
    })
  })

  it('[MCP-08] [C-33] names every scope of the operation in one challenge', async () => {
    const response = await exchange(await start(), call('read', { scope: 'mcp' }))
    expect(response.status).toBe(403)
    expect(response.fields('WWW-Authenticate')).toHaveLength(1)
    const { parameters } = challenge(response)
    expect(parameters.get('error')).toBe('insufficient_scope')
    expect(parameters.get('scope')).toBe('mcp files:read')
    expect(parameters.get('resource_metadata')).toBe('https://mcp.test/.well-known/oauth-protected-resource/mcp')
    expect(parameters.get('error_description')).not.toBe('')
  })

  it('[MCP-09] takes a broader scope that implies the one the tool needs', async () => {
    const origin = await start()
    expect((await exchange(origin, call('write', { scope: 'mcp files:admin' }))).status).toBe(200)
    expect((await exchange(origin, call('write', { scope: 'mcp files:read' }))).status).toBe(403)
  })

  it('[C-27] asks for a better authentication where the tool wants one', async () => {
    const response = await exchange(await start(), call('pay', { scope: 'mcp pay', acr: 'bronze' }))
    expect(response.status).toBe(401)
    expect(challenge(response).parameters.get('error')).toBe('insufficient_user_authentication')
    expect(challenge(response).parameters.get('acr_values')).toBe('gold')
  })

  it('[MCP-08] sees the tools of a batch, and of one whose name is nobody’s', async () => {
    const origin = await start()
    const message = (name: string) => ({ jsonrpc: '2.0', id: name, method: 'tools/call', params: { name } })
    const body = JSON.stringify([message('read'), message('other'), message('write'), { method: 'ping' }, null])
    const response = await exchange(origin, call('', { scope: 'mcp' }, { body }))
    expect(challenge(response).parameters.get('scope')).toBe('mcp files:read files:write')
    for (const name of ['toString', '__proto__', 7, null]) {
      expect((await exchange(origin, call(name, { scope: 'mcp' }))).status).toBe(200)
    }
    const strange = JSON.stringify({ method: 'tools/call', params: null })
    expect((await exchange(origin, call('', { scope: 'mcp' }, { body: strange }))).status).toBe(200)
  })

  it('[MCP-10] refuses a page it does not know before it looks at anything else', async () => {
    const origin = await start()
    for (const evil of ['https://evil.test', 'null', 'https://mcp.test.evil.test', 'https://mcp.test:8443']) {
      const response = await exchange(origin, call('read', { scope: 'mcp files:read' }, { fields: [['Origin', evil]] }))
      expect(response.status).toBe(403)
      expect(response.fields('WWW-Authenticate')).toEqual([])
    }
    const own = call('read', { scope: 'mcp files:read' }, { fields: [['Origin', 'https://mcp.test']] })
    expect((await exchange(origin, own)).status).toBe(200)
  })

  it('[MCP-10] refuses a host it is not, where hosts are named', async () => {
    const foreign = await start({ allowedHosts: ['mcp.test'] })
    expect((await exchange(foreign, call('read', {}))).status).toBe(403)
  })

  it('[ADP-03] asks a CORS preflight for no token, and runs no tool for it', async () => {
    const fields = [['Access-Control-Request-Method', 'POST']] as const
    const response = await exchange(await start(), { method: 'OPTIONS', path: '/mcp', fields })
    expect([response.status, response.body]).toEqual([204, ''])
  })

  it('[MCP-19] judges GET and DELETE of a session like any request', async () => {
    const origin = await start()
    for (const method of ['GET', 'DELETE']) {
      const session = [['Mcp-Session-Id', 'known']] as const
      expect((await exchange(origin, { method, path: '/mcp', fields: session })).status).toBe(401)
      const fields = [['Authorization', `Bearer ${issuer.mintToken({ scope: 'mcp' })}`]] as const
      expect((await exchange(origin, { method, path: '/mcp', fields })).status).toBe(200)
    }
  })

  it('[MCP-07] refuses a body it cannot tell tools by', async () => {
    const origin = await start()
    const message = { method: 'tools/call', params: { name: 'write' } }
    const fields = [
      ['Content-Type', 'text/plain'],
      ['Authorization', `Bearer ${issuer.mintToken({ scope: 'mcp' })}`],
    ] as const
    const request = { method: 'POST', path: '/mcp', body: JSON.stringify(message), fields }
    expect((await exchange(origin, request)).status).toBe(400)
  })
})

describe('the body', () => {
  it('must have been parsed where a framework parses it', async () => {
    const app = express()
    app.post('/mcp', mcpGate(server, options).forExpress(), (_req, res) => void res.json('never'))
    expect((await exchange(await listen(app), call('write', { scope: 'mcp' }))).status).toBe(500)
    const raw = express().use(express.raw({ type: '*/*' }))
    raw.post('/mcp', mcpGate(server, options).forExpress(), (_req, res) => void res.json('never'))
    expect((await exchange(await listen(raw), call('write', { scope: 'mcp' }))).status).toBe(500)
  })

  it('is nobody’s business where no tool demands anything', async () => {
    const app = express()
    app.post('/mcp', mcpGate(server).forExpress(), (_req, res) => void res.json('ok'))
    expect((await exchange(await listen(app), call('write', {}))).status).toBe(200)
    const application = await serveFetch(
      mcpGate(server).forFetch(async (request, given) => Response.json([await request.json(), 'parsedBody' in given])),
    )
    closing.push(application.close)
    const [message, parsed] = JSON.parse((await exchange(application.origin, call('write', {}))).body)
    expect([message.params.name, parsed]).toEqual(['write', false])
  })

  it('[MCP-07] is refused by Fetch where it is broken or too large', async () => {
    const handler = mcpGate(server, options).forFetch(() => Response.json('never'))
    const post = (body: BodyInit | null) =>
      handler(
        new Request('https://mcp.test/mcp', {
          method: 'POST',
          body,
          headers: {
            authorization: `Bearer ${issuer.mintToken({ scope: 'mcp' })}`,
            'content-type': 'application/json; charset=utf-8',
          },
        }),
      )
    for (const body of ['{', null, '"text"', `"${'x'.repeat(4_194_304)}"`]) expect((await post(body)).status).toBe(400)
    const headers = { authorization: `Bearer ${issuer.mintToken({ scope: 'mcp' })}` }
    const untyped = new Request(resource, { method: 'POST', body: new Uint8Array(2), headers })
    expect((await handler(untyped)).status).toBe(400)
  })
})

describe('answers through Fetch', () => {
  it('carry the fields of the gate next to the application’s own', async () => {
    const client = createDpopClient()
    const nonces = makeServer({
      dpop: { nonce: { secrets: ['0123456789abcdef0123456789abcdef'], onSuccess: true } },
    })
    const handler = mcpGate(nonces).forFetch(() => Response.json('ok', { headers: { 'X-Own': '1' } }))
    const accessToken = issuer.mintToken({ cnf: { jkt: client.jkt } })
    const ask = (nonce?: string) =>
      handler(new Request(resource, { headers: client.headers({ url: resource, accessToken, nonce }) }))
    const first = await ask()
    expect(first.status).toBe(401)
    const second = await ask(first.headers.get('dpop-nonce') ?? '')
    expect(second.status).toBe(200)
    expect(second.headers.get('x-own')).toBe('1')
    expect(second.headers.get('dpop-nonce')).not.toBeNull()
  })

  it('[MCP-10] are checked against the host of the URL', async () => {
    const handler = mcpGate(server, { allowedHosts: ['MCP.test'] }).forFetch(() => Response.json('ok'))
    const headers = { authorization: `Bearer ${issuer.mintToken()}` }
    expect((await handler(new Request(resource, { headers }))).status).toBe(200)
    expect((await handler(new Request('https://rebound.test/mcp', { headers }))).status).toBe(403)
  })
})

describe('the host', () => {
  it.each([
    [{ host: 'mcp.test:8080' }, 'passes'],
    [{ ':authority': 'MCP.test:8080' }, 'passes'],
    [{ host: 'mcp.test' }, 403],
    [{ host: '' }, 403],
    [{}, 403],
  ])('[MCP-10] of a request with %j: %s', async (fields: Record<string, string>, expected) => {
    const guard = mcpGate(server, { allowedHosts: ['mcp.test:8080'] }).forExpress()
    const headers = { authorization: `Bearer ${issuer.mintToken()}`, ...fields }
    const outcome = await new Promise((resolve) => {
      const response = { statusCode: 200, headersSent: false, getHeader: () => undefined, setHeader: () => {} }
      const end = () => resolve(res.statusCode)
      const res = { ...response, end }
      guard({ method: 'GET', url: '/mcp', headers }, res, () => resolve('passes'))
    })
    expect(outcome).toBe(expected)
  })
})

describe('options', () => {
  it.each([
    { allowedOrigins: ['https://app.test/'] },
    { allowedOrigins: ['*'] },
    { allowedHosts: ['https://mcp.test'] },
    { allowedHosts: ['mcp.test/x'] },
    { requirement: { scope: '' } },
    { tools: { read: { scope: 'a"b' } } },
    { resource: 'https://other.test' },
  ] as McpGateOptions[])('that cannot be right are refused at once: %j', (wrong) => {
    expect(() => mcpGate(server, wrong)).toThrow(ConfigurationError)
  })

  it('name the resource where there are several', async () => {
    const several = makeServer({ resource: [resource, 'https://mcp.test/other'] })
    expect(() => mcpGate(several)).toThrow(ConfigurationError)
    expect(() => mcpGate(several, { resource, tools })).not.toThrow()
  })
})

/** What the SDK does: hands over more than a handler may take. */
function run(tool: () => unknown, ...parameters: unknown[]): unknown {
  return Reflect.apply(tool, undefined, parameters)
}

describe('a tool', () => {
  let exchangeFails = false
  const grants = createGrants({
    client: {
      issuer: issuer.issuer,
      clientId: 'gateway',
      async exchangeToken() {
        if (exchangeFails) throw new Error('down')
        const issuedTokenType = 'urn:ietf:params:oauth:token-type:access_token'
        return { accessToken: 'downstream', tokenType: 'Bearer', expiresAt: undefined, scope: [], issuedTokenType }
      },
    },
  })
  const gate = mcpGate(server, { grants })
  const extraOf = async (claims: Record<string, unknown>) => {
    const auth = await server.verify(issuer.mintToken(claims))
    return { auth, extra: { authInfo: toAuthInfo(auth), signal: 'the rest' } }
  }

  it('[S3-02] gets the caller first, then what the SDK gives, in either version and in FastMCP', async () => {
    const tool = gate.tool(
      { scope: 'read' },
      (auth, args: { path: string }, _extra: unknown) => `${auth.subject}:${args.path}`,
    )
    const { extra } = await extraOf({ sub: 'alice', scope: 'read' })
    expect(await tool({ path: 'a' }, extra)).toBe('alice:a')
    expect(await tool({ path: 'b' }, { http: extra })).toBe('alice:b')
    expect(await tool({ path: 'c' }, { session: extra.authInfo })).toBe('alice:c')
  })

  it('[MCP-08] becomes an error result for a caller who lacks something, and does not run', async () => {
    const never = () => expect.unreachable()
    const { extra } = await extraOf({ scope: 'read' })
    expect(await run(gate.tool({ scope: 'write' }, never), extra)).toEqual({
      isError: true,
      content: [{ type: 'text', text: expect.stringMatching(/^[^.]+\. scope: write\.$/) }],
      _meta: { 'portcullis/refusal': { error: 'insufficient_scope', scope: 'write' } },
    })
    const stepUp = await run(gate.tool({ acr: ['gold', 'silver'], maxAgeSeconds: 60 }, never), extra)
    expect(stepUp).toMatchObject({
      _meta: {
        'portcullis/refusal': { error: 'insufficient_user_authentication', acr_values: 'gold silver', max_age: '60' },
      },
    })
    const details = await run(gate.tool({ authorizationDetails: { payment: () => true } }, never), extra)
    expect(details).toMatchObject({ _meta: { 'portcullis/refusal': { error: 'insufficient_scope' } } })
    const claims = await run(gate.tool({ claims: { tenant: 'acme' } }, never), extra)
    expect(claims).toMatchObject({ isError: true, _meta: { 'portcullis/refusal': { error: 'access_denied' } } })
  })

  it('[MCP-05] runs for nobody whom no gate has let through', async () => {
    const tool = gate.tool({}, () => expect.unreachable())
    const forged = {
      authInfo: { token: 'x', clientId: 'root', scopes: [], extra: { portcullis: { subject: 'root' } } },
    }
    for (const extra of [undefined, null, 'text', {}, { authInfo: undefined }, forged]) {
      expect(await run(tool, extra)).toMatchObject({ isError: true })
    }
  })

  it('[TX-12] [MCP-06] has the tokens for other services, which are never the caller’s own', async () => {
    const tool = gate.tool({ grants: [calendar] }, (auth: Auth) => auth.access.token(calendar))
    const { extra, auth } = await extraOf({})
    expect(await run(tool, extra)).toBe('downstream')
    expect(auth.token).not.toBe('downstream')
    exchangeFails = true
    expect(await run(tool, (await extraOf({ sub: 'other' })).extra)).toMatchObject({ isError: true })
    exchangeFails = false
  })

  it('passes on what it throws itself, but for our own errors', async () => {
    const { extra } = await extraOf({})
    const fails = (error: Error) => gate.tool({}, () => Promise.reject(error))
    await expect(run(fails(new RangeError('its own')), extra)).rejects.toThrow('its own')
    expect(await run(fails(new AccessDeniedError()), extra)).toMatchObject({
      isError: true,
      content: [{ type: 'text' }],
    })
    const mistake = new ResourceAccessError(calendar, 'ERR_GRANT_MISSING')
    await expect(run(fails(mistake), extra)).rejects.toBe(mistake)
  })

  it('cannot be declared wrongly', () => {
    expect(() => gate.tool({ scope: '' }, () => 'never')).toThrow(ConfigurationError)
    expect(() => mcpGate(server).tool({ grants: [calendar] }, () => 'never')).toThrow('needs the grant engine')
  })
})

describe('toAuthInfo', () => {
  it('shows the token to those who ask for it, and to no log', async () => {
    const info = toAuthInfo(await server.verify(issuer.mintToken()))
    expect(info.token).toMatch(/^ey/)
    expect(JSON.stringify(info)).not.toContain(info.token)
    expect(inspect(info, { depth: 9 })).not.toContain(info.token)
  })

  it('leaves out what an introspected token may not tell', async () => {
    const verified = await server.verify(issuer.mintToken())
    const bare = new Auth(
      'opaque',
      'Bearer',
      resource,
      { ...verified, clientId: undefined, expiresAt: undefined },
      undefined,
    )
    expect(toAuthInfo(bare, 'https://mcp.test/metadata')).toEqual({
      clientId: '',
      scopes: ['read'],
      resource: new URL(resource),
      resourceMetadataUrl: 'https://mcp.test/metadata',
      extra: { portcullis: bare },
    })
  })
})

describe('tokenVerifier', () => {
  async function askVersion1(verifier: ReturnType<typeof tokenVerifier>, token: string): Promise<ExactResponse> {
    const app = express()
    app.get('/', requireBearerAuth({ verifier }), (req, res) => void res.json(authOf(req.auth)?.subject))
    return exchange(await listen(app), { path: '/', fields: [['Authorization', `Bearer ${token}`]] })
  }

  async function askVersion2(verifier: ReturnType<typeof tokenVerifier>, token: string): Promise<Response | string> {
    const resourceMetadataUrl = 'https://mcp.test/other'
    const gate = requireBearerAuth2({ verifier, resourceMetadataUrl, expectedResource: new URL(resource) })
    const answer = await gate(new Request(resource, { headers: { authorization: `Bearer ${token}` } }))
    return answer instanceof Response ? answer : (authOf(answer)?.subject ?? 'nobody')
  }

  it('[MCP-05] lets the guard of either version tell good tokens from bad ones', async () => {
    const good = issuer.mintToken({ sub: 'alice' })
    const expired = issuer.mintToken({}, { lifetimeSeconds: -600 })
    const version1 = tokenVerifier(server, sdkErrors)
    expect((await askVersion1(version1, good)).body).toBe('"alice"')
    expect((await askVersion1(version1, expired)).status).toBe(401)
    const version2 = tokenVerifier(server, { OAuthError })
    expect(await askVersion2(version2, good)).toBe('alice')
    expect(await askVersion2(version2, expired)).toMatchObject({ status: 401 })
  })

  it('[MCP-07] tells a lack of scope by 403, and a failure of ours by 500', async () => {
    const scoped = { scope: 'admin' }
    const token = issuer.mintToken()
    expect((await askVersion1(tokenVerifier(server, sdkErrors, scoped), token)).status).toBe(403)
    expect(await askVersion2(tokenVerifier(server, { OAuthError }, scoped), token)).toMatchObject({ status: 403 })
    issuer.override(['oauthMetadata', 'openidConfiguration', 'jwks'], { kind: 'down' })
    expect((await askVersion1(tokenVerifier(makeServer(), sdkErrors), token)).status).toBe(500)
    expect(await askVersion2(tokenVerifier(makeServer(), { OAuthError }), token)).toMatchObject({ status: 500 })
    const broken = { ...server, verify: () => Promise.reject(new Error('a bug')) }
    expect((await askVersion1(tokenVerifier(broken, sdkErrors), token)).status).toBe(500)
  })
})

describe('sessionKey', () => {
  it('[MCP-11] is another one for everybody else, whatever is put into the id', async () => {
    const auth = (claims: Record<string, unknown>) => server.verify(issuer.mintToken(claims))
    const alice = await auth({ sub: 'alice', client_id: 'a' })
    const key = sessionKey(alice, 'id')
    expect(sessionKey(await auth({ sub: 'alice', client_id: 'a', jti: 'renewed' }), 'id')).toBe(key)
    const others = [
      sessionKey(await auth({ sub: 'bob', client_id: 'a' }), 'id'),
      sessionKey(await auth({ sub: 'alice', client_id: 'b' }), 'id'),
      sessionKey(alice, 'other'),
      sessionKey(alice, 'id","x'),
    ]
    expect(new Set([key, ...others]).size).toBe(5)
  })
})

describe('FastMCP', () => {
  const request = (fields: Record<string, string>) => ({ method: 'POST', url: '/mcp', headers: fields })

  it('[MCP-19] gets the caller as its session, and is asked twice about one proof without harm', async () => {
    const client = createDpopClient()
    const authenticate = mcpGate(makeServer({ dpop: 'required' })).forFastMcp()
    const accessToken = issuer.mintToken({ sub: 'alice', cnf: { jkt: client.jkt } })
    const once = request({ ...client.headers({ method: 'POST', url: resource, accessToken }) })
    expect(authOf(await authenticate(once))?.subject).toBe('alice')
    expect(authOf({ session: await authenticate(once) })?.subject).toBe('alice')
    await expect(authenticate({ ...once, headers: { ...once.headers } })).rejects.toMatchObject({ status: 401 })
  })

  it('[MCP-02] throws the response to send', async () => {
    const authenticate = mcpGate(server).forFastMcp()
    const refused = (await authenticate(request({})).catch((thrown: unknown) => thrown)) as Response
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('resource_metadata=')
    const preflight = { ...request({ 'access-control-request-method': 'POST' }), method: 'OPTIONS' }
    await expect(authenticate(preflight)).rejects.toMatchObject({ status: 204 })
  })

  it('is told what it cannot do', async () => {
    expect(() => mcpGate(server, options).forFastMcp()).toThrow(ConfigurationError)
    await expect(mcpGate(server).forFastMcp()(undefined)).rejects.toThrow('There are no tokens on stdio')
  })
})

describe('metadata', () => {
  it('[MCP-01] [MCP-03] is at the endpoint path and at the root, for clients of every protocol version', async () => {
    const passing = makeServer({ authorizationServerMetadata: 'pass-through' })
    mcpGate(passing)
    const origin = await listen(express().use(portcullis(passing).metadata()))
    for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
      const document = JSON.parse((await exchange(origin, { path })).body)
      expect(document).toMatchObject({ resource, authorization_servers: [issuer.issuer] })
    }
    const { body } = await exchange(origin, { path: '/.well-known/oauth-authorization-server' })
    expect(JSON.parse(body)).toMatchObject({ issuer: issuer.issuer, token_endpoint: expect.any(String) })
  })
})
