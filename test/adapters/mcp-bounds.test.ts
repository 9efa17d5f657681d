import { Auth, ConfigurationError, createResourceServer, type PortcullisEvent } from 'portcullis'
import { type McpGateOptions, mcpGate, toAuthInfo } from 'portcullis/mcp'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

const resource = 'https://mcp.test/mcp'
const issuer = createTestIssuer({ audience: resource })
const events: PortcullisEvent[] = []
const server = createResourceServer({
  ...{ resource, issuer: issuer.issuer, fetch: issuer.fetch },
  onEvent: (event) => events.push(event),
})
const tools: McpGateOptions['tools'] = { write: { scope: 'files:write' }, schön: { scope: 'files:paint' } }
const token = () => issuer.mintToken({ scope: 'mcp' })

beforeEach(() => void events.splice(0))
afterAll(() => issuer.close())

function post(body: BodyInit | null, contentType = 'application/json') {
  const seen: unknown[] = []
  const handler = mcpGate(server, { tools }).forFetch((_request, { parsedBody }) => {
    seen.push(parsedBody)
    return Response.json('ok')
  })
  const headers = { authorization: `Bearer ${token()}`, 'content-type': contentType }
  const request = new Request(resource, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
  return handler(request).then(({ status }) => ({ status, seen }))
}

const message = (name: string, method = 'tools/call', more = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name, ...more } })

function ofSize(bytes: number): string {
  const empty = message('other', 'tools/call', { pad: '' })
  return message('other', 'tools/call', { pad: 'x'.repeat(bytes - empty.length) })
}

function inPieces(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  return new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
      controller.close()
    },
  })
}

const refusals = () => events.flatMap((event) => (event.type === 'auth.refused' ? [[event.status, event.code]] : []))

describe('the body that Fetch reads to tell tools', () => {
  it('[MCP-07] is handed on as it was judged', async () => {
    const { status, seen } = await post(message('other'))
    expect([status, seen]).toEqual([200, [JSON.parse(message('other'))]])
  })

  it('[MCP-07] is read up to 4 MiB, whatever it says', async () => {
    expect((await post(ofSize(4_194_304))).status).toBe(200)
    const large = await post(ofSize(4_194_305))
    expect([large.status, large.seen]).toEqual([400, []])
    expect(refusals()).toEqual([[400, 'ERR_REQUEST_MALFORMED']])
  })

  it('[MCP-08] names a tool the same however its bytes are cut', async () => {
    expect((await post(inPieces(message('schön')))).status).toBe(403)
    expect((await post(inPieces(message('schon')))).status).toBe(200)
  })

  it('[MCP-08] calls a tool by its method alone', async () => {
    expect((await post(message('write', 'prompts/get'))).status).toBe(200)
    expect((await post(message('write'))).status).toBe(403)
  })

  it.each(['x-application/json', 'application/jsonx', 'application/json5; a', 'text/plain, application/json'])(
    '[MCP-07] is refused as %s, which no SDK reads',
    async (type) => {
      expect((await post(message('other'), type)).status).toBe(400)
    },
  )

  it.each(['application/json ; charset=utf-8', 'Application/JSON'])('[MCP-07] is read as %s', async (type) => {
    expect((await post(message('other'), type)).status).toBe(200)
  })
})

describe('the event of a body that was refused', () => {
  it.each([
    ['too large', ofSize(4_194_305), undefined, 'the body is too large'],
    ['broken', '{', undefined, 'the body is no JSON'],
    ['not said to be JSON', message('other'), 'text/plain', 'the body is no JSON'],
    ['no message', '5', undefined, 'no JSON-RPC message'],
  ])('[MCP-07] tells that it is %s', async (_, body, contentType, detail) => {
    expect((await post(body, contentType)).status).toBe(400)
    expect(events).toContainEqual(expect.objectContaining({ type: 'auth.refused', detail }))
  })
})

describe('the hosts of a request', () => {
  it('[MCP-10] are all held against those that are allowed', async () => {
    const guard = mcpGate(server, { allowedHosts: ['mcp.test'] }).forExpress()
    const outcome = (...hosts: string[]) =>
      new Promise((resolve) => {
        const rawHeaders = ['Authorization', `Bearer ${token()}`, ...hosts.flatMap((host) => ['Host', host])]
        const headers = { authorization: rawHeaders[1], host: hosts[0] }
        const response = { statusCode: 200, headersSent: false, getHeader: () => undefined, setHeader: () => {} }
        const res = { ...response, end: () => resolve(res.statusCode) }
        guard({ method: 'GET', url: '/mcp', headers, rawHeaders } as never, res, () => resolve('passes'))
      })
    expect(await outcome('mcp.test')).toBe('passes')
    expect(await outcome('mcp.test', 'rebound.test')).toBe(403)
    expect(await outcome('rebound.test', 'mcp.test')).toBe(403)
  })

  it.each<[string, McpGateOptions, string]>([
    ['a path', { allowedHosts: ['mcp.test/x'] }, '`allowedHosts` takes hosts with their port'],
    ['a blank', { allowedHosts: ['mcp test'] }, '`allowedHosts` takes hosts with their port'],
    ['a list', { allowedHosts: [['mcp.test']] as never }, '`allowedHosts` takes hosts with their port'],
    ['a path in an origin', { allowedOrigins: ['https://a.test/'] }, '`allowedOrigins` takes origins'],
    ['a list of origins', { allowedOrigins: [['https://a.test']] as never }, '`allowedOrigins` takes origins'],
    ['no text', { allowedOrigins: [5] as never }, '`allowedOrigins` takes origins'],
  ])('[MCP-10] are refused as an option with %s', (_title, options, told) => {
    expect(() => mcpGate(server, options)).toThrow(ConfigurationError)
    expect(() => mcpGate(server, options)).toThrow(told)
  })
})

describe('what a refused tool tells', () => {
  it.each([
    [{ acr: ['gold', 'silver'], maxAgeSeconds: 60 }, ' acr_values: gold silver. max_age: 60.'],
    [{ acr: 'gold' }, ' acr_values: gold.'],
    [{ maxAgeSeconds: 60 }, ' max_age: 60.'],
    [{ scope: 'write' }, ' scope: write.'],
    [{ claims: { tenant: 'acme' } }, ''],
  ])('[MCP-08] is what would satisfy %j, and nothing else', async (requirement, told) => {
    const extra = { authInfo: toAuthInfo(await server.verify(token())) }
    const tool = mcpGate(server).tool(requirement, () => expect.unreachable())
    const result = (await Reflect.apply(tool, undefined, [extra])) as { content: { text: string }[] }
    const text = result.content[0]?.text ?? ''
    expect(text.slice(text.indexOf('.') + 1)).toBe(told)
  })
})

describe('what was not told', () => {
  it('[MCP-07] is absent from what the SDK is given', async () => {
    const auth = await server.verify(token())
    expect(toAuthInfo(auth)).not.toHaveProperty('resourceMetadataUrl')
    const endless = new Auth('opaque', 'Bearer', resource, { ...auth, expiresAt: undefined }, undefined)
    expect(toAuthInfo(endless)).not.toHaveProperty('expiresAt')
  })
})

describe('the mistake of the application', () => {
  it('[MCP-07] is a body that nothing parsed, and tools where FastMCP shows no body', async () => {
    const guard = mcpGate(server, { tools }).forExpress()
    const headers = { authorization: `Bearer ${token()}`, 'content-type': 'application/json' }
    const fault = await new Promise((resolve) => guard({ method: 'POST', url: '/mcp', headers }, {} as never, resolve))
    expect(fault).toBeInstanceOf(ConfigurationError)
    expect((fault as ConfigurationError).message).toContain('mount a JSON parser')
    expect(() => mcpGate(server, { tools }).forFastMcp()).toThrow('declare what they demand by `gate.tool`')
  })
})
