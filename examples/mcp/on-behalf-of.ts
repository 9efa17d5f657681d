/**
 * An MCP server whose tools call another API for their user, by token exchange (RFC 8693), with version 2 of the SDK.
 *
 *   CLIENT_ID=… CLIENT_SECRET=… npx tsx examples/mcp/on-behalf-of.ts [issuer] [port] [calendar]
 */
import type { AddressInfo } from 'node:net'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import { createGrants, createResourceServer } from 'portcullis'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { mcpGate } from 'portcullis/mcp'
import { z } from 'zod'

const [issuer = 'https://login.example.com', port = '0', calendar = 'https://calendar.example.com/'] =
  process.argv.slice(2)
const { CLIENT_ID: clientId = 'test-client', CLIENT_SECRET: clientSecret = 'test-secret' } = process.env
const allowInsecureLoopback = true // to try it on this machine; anything else must speak https

const server = createResourceServer({ resource: 'https://mcp.example.com/mcp', issuer, allowInsecureLoopback })
const client = createOAuthClient({
  issuer,
  credential: clientSecretBasic({ clientId, clientSecret }),
  allowInsecureLoopback,
})
const gate = mcpGate(server, { grants: createGrants({ client }) })

const handler = createMcpHandler(() => {
  const mcp = new McpServer({ name: 'agenda', version: '1.0.0' })
  mcp.registerTool(
    'agenda',
    { description: 'Lists what the user has to do', inputSchema: z.object({ day: z.string() }) },
    gate.tool({ grants: [{ resource: calendar, scope: 'events:read' }] }, async (auth, { day }: { day: string }) => {
      const response = await auth.access.fetch(calendar)(`events?day=${encodeURIComponent(day)}`)
      return { content: [{ type: 'text', text: await response.text() }], isError: !response.ok }
    }),
  )
  return mcp
})

const app = express()
app.use(portcullis(server).metadata(), express.json())
const answer = toNodeHandler(handler)
app.all('/mcp', gate.forExpress(), (req, res) => answer(req, res, req.body))

const listening = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
})
