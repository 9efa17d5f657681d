import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express, { type Express } from 'express'
import { createGrants, type ResourceServer } from 'portcullis'
import type { OAuthClient } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { mcpGate } from 'portcullis/mcp'
import { sight } from './sight.js'

/** What the MCP server is made of. */
export interface ToolsOptions {
  readonly server: ResourceServer
  /** The MCP server as a client of the authorization server: it exchanges tokens. */
  readonly client: OAuthClient
  /** The resource identifier of the calendar. */
  readonly calendar: string
}

/** The MCP server. Its tool exchanges the token that it was called with for one of the calendar, before it runs. */
export function createTools({ server, client, calendar }: ToolsOptions): Express {
  const gate = mcpGate(server, { grants: createGrants({ client }), requirement: { scope: 'mcp calendar:read' } })

  const handler = createMcpHandler(() => {
    const mcp = new McpServer({ name: 'tools', version: '1.0.0' })
    mcp.registerTool(
      'agenda',
      { description: 'Lists what the user has to do' },
      gate.tool({ grants: [{ resource: calendar, scope: 'calendar:read' }] }, async (auth) => {
        const response = await auth.access.fetch(calendar)('/events')
        const seen = { tools: sight(auth), calendar: await response.json() }
        return { content: [{ type: 'text', text: JSON.stringify(seen) }], isError: !response.ok }
      }),
    )
    return mcp
  })

  const app = express()
  app.use(portcullis(server).metadata(), express.json())
  const answer = toNodeHandler(handler)
  app.all('/mcp', gate.forExpress(), (req, res) => answer(req, res, req.body))
  return app
}
