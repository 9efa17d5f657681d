/**
 * An MCP server behind Portcullis, with version 1 of the official SDK on Express.
 *
 *   npx tsx examples/mcp/server.ts [issuer] [port]
 */
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'
import { authOf, mcpGate } from 'portcullis/mcp'
import { z } from 'zod'

const [issuer = 'https://login.example.com', port = '0'] = process.argv.slice(2)

const server = createResourceServer({
  resource: 'https://mcp.example.com/mcp',
  issuer,
  implies: { 'notes:admin': ['notes:write'] },
  authorizationServerMetadata: 'pass-through', // for clients older than the protected-resource metadata
  allowInsecureLoopback: true, // to try it with an issuer on this machine; any other must speak https
})
const gate = mcpGate(server, {
  requirement: { scope: 'mcp' },
  tools: { write_note: { scope: 'notes:write' } },
  allowedOrigins: ['https://mcp.example.com', 'http://localhost:6274'],
})
const notes = new Map<string, string>()

function createMcpServer(): McpServer {
  const mcp = new McpServer({ name: 'notes', version: '1.0.0' })
  mcp.registerTool('whoami', { description: 'Tells who calls' }, (extra) => ({
    content: [{ type: 'text', text: authOf(extra)?.subject ?? '' }],
  }))
  mcp.registerTool(
    'write_note',
    { description: 'Keeps a note', inputSchema: { text: z.string() } },
    gate.tool({}, (auth, { text }: { text: string }) => {
      notes.set(auth.subject, text)
      return { content: [{ type: 'text', text: 'kept' }] }
    }),
  )
  return mcp
}

const app = express()
app.use(portcullis(server).metadata(), express.json())
app.all('/mcp', gate.forExpress(), async (req, res) => {
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  await createMcpServer().connect(transport)
  await transport.handleRequest(req, res, req.body)
})

const listening = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
})
