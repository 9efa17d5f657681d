import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { type Auth, createResourceServer } from 'portcullis'
import { exchange } from 'portcullis/adapter-testing'
import { authOf, mcpGate, sessionKey } from 'portcullis/mcp'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const issuer = createTestIssuer({ audience: 'https://mcp.test/mcp' })
const sessions = new Map<string, StreamableHTTPServerTransport>()
let listening: Server
let origin = ''

async function openSession(auth: Auth): Promise<StreamableHTTPServerTransport> {
  const mcp = new McpServer({ name: 'under test', version: '1.0.0' })
  mcp.registerTool('whoami', {}, (extra) => ({ content: [{ type: 'text', text: String(authOf(extra)?.subject) }] }))
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => void sessions.set(sessionKey(auth, id), transport),
  })
  await mcp.connect(transport)
  return transport
}

beforeAll(async () => {
  const server = createResourceServer({
    resource: 'https://mcp.test/mcp',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: 'off',
  })
  const app = express().use(express.json())
  app.all('/mcp', mcpGate(server).forExpress(), async (req, res) => {
    const auth = authOf(Reflect.get(req, 'auth')) as Auth
    const id = req.headers['mcp-session-id']
    const transport = id === undefined ? await openSession(auth) : sessions.get(sessionKey(auth, String(id)))
    if (transport === undefined) res.sendStatus(404)
    else await transport.handleRequest(req, res, req.body)
  })
  listening = createServer(app).listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  origin = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
})
afterAll(async () => {
  listening.close()
  await issuer.close()
})

function send(message: object, sub: string | undefined, session?: string, jti = 'one') {
  const fields: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json, text/event-stream'],
  ]
  if (sub !== undefined) fields.push(['Authorization', `Bearer ${issuer.mintToken({ sub, jti })}`])
  if (session !== undefined) fields.push(['Mcp-Session-Id', session])
  return exchange(origin, {
    method: 'POST',
    path: '/mcp',
    fields,
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  })
}

const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}
const whoami = { id: 2, method: 'tools/call', params: { name: 'whoami', arguments: {} } }

describe('a session', () => {
  it('[MCP-11] [MCP-19] is found by its own user alone, who must have a token on every request', async () => {
    const opened = await send(initialize, 'alice')
    expect(opened.status).toBe(200)
    const [id = ''] = opened.fields('Mcp-Session-Id')
    expect(id).not.toBe('')
    expect((await send(whoami, 'alice', id)).body).toContain('"text":"alice"')
    expect((await send(whoami, 'alice', id, 'renewed')).body).toContain('"text":"alice"')
    expect((await send(whoami, 'bob', id)).status).toBe(404)
    expect((await send(whoami, undefined, id)).status).toBe(401)
  })
})
