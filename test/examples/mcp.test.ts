import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import { exchange } from 'portcullis/adapter-testing'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { listenOnLoopback } from '../support/loopback-server.js'
import { runExample } from './run-example.js'

const issuer = createTestIssuer({ audience: 'https://mcp.example.com/mcp' })
const closing: (() => unknown)[] = []

beforeAll(() => issuer.listen())
afterAll(() => issuer.close())
afterEach(async () => {
  issuer.restore()
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(name: string, ...further: readonly string[]): Promise<string> {
  const { origin, stop } = await runExample(name, issuer.issuer, ...further)
  closing.push(stop)
  return origin
}

async function connect(origin: string, claims: Record<string, unknown>): Promise<Client> {
  const headers = { authorization: `Bearer ${issuer.mintToken(claims)}` }
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', origin), { requestInit: { headers } }))
  closing.push(() => client.close())
  return client
}

describe('examples/mcp/server.ts', () => {
  it('[MCP-02] [MCP-04] [MCP-08] [MCP-09] [MCP-10] guards its endpoint and its tools', async () => {
    const origin = await start('mcp/server.ts')
    const refused = await exchange(origin, { method: 'POST', path: '/mcp' })
    expect(refused.status).toBe(401)
    const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
    expect(refused.fields('WWW-Authenticate')[0]).toBe(`Bearer resource_metadata="${metadataUrl}", scope="mcp"`)
    for (const path of [new URL(metadataUrl).pathname, '/.well-known/oauth-authorization-server']) {
      expect((await exchange(origin, { path })).body).toContain(issuer.issuer)
    }
    const fields = [['Origin', 'https://evil.example']] as const
    expect((await exchange(origin, { path: '/mcp', fields })).status).toBe(403)

    const reader = await connect(origin, { sub: 'alice', scope: 'mcp' })
    const whoami = await reader.callTool({ name: 'whoami', arguments: {} })
    expect(whoami).toMatchObject({ content: [{ text: 'alice' }] })
    const note = { name: 'write_note', arguments: { text: 'milk' } }
    await expect(reader.callTool(note)).rejects.toThrow()
    const admin = await connect(origin, { scope: 'mcp notes:admin' })
    expect(await admin.callTool(note)).toMatchObject({ content: [{ text: 'kept' }] })
  })
})

describe('examples/mcp/on-behalf-of.ts', () => {
  it('[MCP-06] [TX-12] calls the other API for its user, with a token of its own for that', async () => {
    const received: (string | undefined)[] = []
    const calendar = await listenOnLoopback(({ url, headers }, response) => {
      received.push(url, headers.authorization)
      response.setHeader('content-type', 'application/json').end('["dentist"]')
    })
    closing.push(() => calendar.close())
    const resource = `${calendar.origin}/v1/`
    const origin = await start('mcp/on-behalf-of.ts', resource)
    const agenda = { name: 'agenda', arguments: { day: 'today' } }
    const alice = await connect(origin, { sub: 'alice' })
    expect(await alice.callTool(agenda)).toMatchObject({ content: [{ text: '["dentist"]' }] })
    const [url, authorization = ''] = received
    expect(url).toBe('/v1/events?day=today')
    expect(decodeJwt(authorization.slice('Bearer '.length))).toMatchObject({
      sub: 'alice',
      aud: resource,
      scope: 'events:read',
    })
    const bob = await connect(origin, { sub: 'bob' })
    issuer.override('token', { kind: 'down' })
    expect(await bob.callTool(agenda)).toMatchObject({ isError: true })
    expect(received).toHaveLength(2)
  })
})

describe('examples/mcp/agents.ts', () => {
  it('[S3-30] [TX-08] [TX-12] calls an API through two agents, each with a bound token of its own and fewer scopes', async () => {
    const clients = { agent: 'agent-secret', tools: 'tools-secret' }
    const own = createTestIssuer({ clients })
    await own.listen()
    const { origin, stop } = await runExample('mcp/agents.ts', own.issuer)
    try {
      const dpop = createDpopClient()
      const url = `${origin}/agenda`
      const ask = (accessToken: string) => fetch(url, { headers: { ...dpop.headers({ url, accessToken }) } })
      const scope = 'agent mcp calendar:read calendar:write'
      const claims = { sub: 'alice', aud: origin, scope }
      const answer = await ask(own.mintToken({ ...claims, cnf: { jkt: dpop.jkt } }))
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({
        agent: { subject: 'alice', scopes: scope.split(' '), scheme: 'DPoP' },
        tools: { subject: 'alice', actor: { sub: 'agent' }, scopes: ['mcp', 'calendar:read'], scheme: 'DPoP' },
        calendar: {
          ...{ subject: 'alice', scopes: ['calendar:read'], scheme: 'DPoP' },
          actor: { sub: 'tools', act: { sub: 'agent' } },
        },
      })
      expect((await ask(own.mintToken(claims))).status).toBe(401)
    } finally {
      await stop()
      await own.close()
    }
  })
})
