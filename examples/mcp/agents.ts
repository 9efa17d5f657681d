/**
 * From agent to agent: a user's token goes to an agent, which exchanges it for one of an MCP server, whose tool exchanges
 * that for one of a calendar. On each hop the token is another one, with fewer scopes, and bound to the key of who sends it
 * (DPoP); each receiver verifies it, and sees the user and who acts for them.
 *
 *   npx tsx examples/mcp/agents.ts [issuer] [port]
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import { type Auth, createGrants, createResourceServer, type ResourceServer } from 'portcullis'
import { clientSecretBasic, createOAuthClient, perIssuer } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { createMcpAuthProvider, exchangeSignIn } from 'portcullis/login'
import { mcpGate } from 'portcullis/mcp'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)
const { AGENT_SECRET = 'agent-secret', TOOLS_SECRET = 'tools-secret' } = process.env
const allowInsecureLoopback = true // to try it on this machine; anything else must speak https

/** Listens first: a resource is known by its URL. */
async function listen(on: number): Promise<{ readonly http: Server; readonly origin: string }> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(on, '127.0.0.1', resolve))
  return { http, origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
}

const guardOf = (resource: string): ResourceServer =>
  createResourceServer({ resource, issuer, dpop: 'required', allowInsecureLoopback })

/** What a hop sees of its caller. */
const sight = ({ subject, actor, scopes, scheme }: Auth) => ({ subject, actor, scopes, scheme })

// The calendar: knows nothing of agents.
const calendar = await listen(0)
const calendarGate = portcullis(guardOf(calendar.origin))
const calendarApp = express().use(calendarGate.metadata())
calendarApp.get('/events', calendarGate.requireToken({ scope: 'calendar:read' }), ({ auth }, res) => {
  res.json(sight(auth))
})
calendar.http.on('request', calendarApp)

// The MCP server: its tool calls the calendar for the user, by token exchange.
const tools = await listen(0)
const mcpUrl = `${tools.origin}/mcp`
const toolsServer = guardOf(mcpUrl)
const toolsCredential = clientSecretBasic({ clientId: 'tools', clientSecret: TOOLS_SECRET })
const toolsClient = createOAuthClient({ issuer, credential: toolsCredential, dpop: true, allowInsecureLoopback })
const gate = mcpGate(toolsServer, {
  grants: createGrants({ client: toolsClient }),
  requirement: { scope: 'mcp calendar:read' },
})
const answer = toNodeHandler(
  createMcpHandler(() => {
    const mcp = new McpServer({ name: 'tools', version: '1.0.0' })
    mcp.registerTool(
      'agenda',
      { description: 'Lists what the user has to do' },
      gate.tool({ grants: [{ resource: calendar.origin, scope: 'calendar:read' }] }, async (auth) => {
        const response = await auth.access.fetch(calendar.origin)('/events')
        const seen = { tools: sight(auth), calendar: await response.json() }
        return { content: [{ type: 'text', text: JSON.stringify(seen) }], isError: !response.ok }
      }),
    )
    return mcp
  }),
)
const toolsApp = express().use(portcullis(toolsServer).metadata(), express.json())
toolsApp.all('/mcp', gate.forExpress(), (req, res) => answer(req, res, req.body))
tools.http.on('request', toolsApp)

// The agent: acts for whoever calls it, at an MCP server of which it knows the URL alone.
const agent = await listen(Number(port))
const agentGate = portcullis(guardOf(agent.origin))
const credentials = perIssuer({ [issuer]: clientSecretBasic({ clientId: 'agent', clientSecret: AGENT_SECRET }) })
const agentApp = express().use(agentGate.metadata())
agentApp.get('/agenda', agentGate.requireToken({ scope: 'agent' }), async ({ auth }, res) => {
  const provider = createMcpAuthProvider({
    ...{ serverUrl: mcpUrl, issuers: [issuer], credentials, allowInsecureLoopback },
    signIn: exchangeSignIn({ subject: () => ({ token: auth.token }) }),
  })
  const client = new Client({ name: 'agent', version: '1.0.0' })
  try {
    await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { fetch: provider.fetch }))
    const { content } = await client.callTool({ name: 'agenda' })
    const [part] = content
    res.json({ agent: sight(auth), ...JSON.parse(part?.type === 'text' ? part.text : '{}') })
  } finally {
    await client.close()
    await provider.close()
  }
})
agent.http.on('request', agentApp)
console.log(agent.origin)
