import { FastMCP } from 'fastmcp'
import { createResourceServer } from 'portcullis'
import { type AuthInfo, authOf, mcpGate } from 'portcullis/mcp'
import { afterEach, describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.js'
import { freePort } from '../support/loopback-server.js'
import { logInWithVersion1 } from '../support/mcp-client.js'

const closing: (() => unknown)[] = []

/** The recipe of docs/mcp.md. */
async function startFastMcp(resource: string, issuer: string, port: number): Promise<void> {
  const server = createResourceServer({ resource, issuer, allowInsecureLoopback: true })
  const gate = mcpGate(server, { requirement: { scope: 'mcp' } })
  const authenticate = gate.forFastMcp()
  const app = new FastMCP<AuthInfo & Record<string, unknown>>({
    name: 'under test',
    version: '1.0.0',
    logger: { debug() {}, error() {}, info() {}, log() {}, warn() {} },
    authenticate: async (request) => {
      if (request.url !== '/mcp') throw new Response(null, { status: 404 })
      return (await authenticate(request)) as AuthInfo & Record<string, unknown>
    },
    oauth: {
      enabled: true,
      protectedResource: { resource, authorizationServers: [issuer] },
    },
  })
  app.addTool({
    name: 'whoami',
    description: 'Tells who calls',
    execute: async (_args, context) => String(authOf(context)?.subject),
  })
  app.addTool({
    name: 'audit',
    description: 'Needs more',
    execute: gate.tool({ scope: 'audit' }, (auth, _args: unknown, _context: unknown) => auth.subject),
  })
  await app.start({ transportType: 'httpStream', httpStream: { port, host: '127.0.0.1', stateless: true } })
  closing.push(() => app.stop())
}

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

describe('the recipe for FastMCP', () => {
  it('[S3-05] [MCP-02] [MCP-05] [MCP-19] guards every request, and tells tools who calls', async () => {
    const port = await freePort()
    const resource = `http://127.0.0.1:${port}`
    const authorizationServer = await startAuthorizationServer({
      resources: { [resource]: { scopes: ['mcp', 'audit'] } },
    })
    closing.push(() => authorizationServer.close())
    await startFastMcp(resource, authorizationServer.issuer, port)

    const refused = await fetch(`${resource}/mcp`, { method: 'POST', body: '{}' })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain(
      `resource_metadata="${resource}/.well-known/oauth-protected-resource", scope="mcp"`,
    )
    expect((await fetch(`${resource}/sse`)).status).not.toBe(200)

    const client = await logInWithVersion1(`${resource}/mcp`)
    closing.unshift(client.close)
    expect(await client.callTool('whoami')).toMatchObject({ content: [{ text: 'user-1' }] })
    expect(await client.callTool('audit')).toMatchObject({ isError: true })
    const bad = { authorization: 'Bearer nonsense', 'content-type': 'application/json' }
    expect((await fetch(`${resource}/mcp`, { method: 'POST', headers: bad, body: '{}' })).status).toBe(401)
  })
})
