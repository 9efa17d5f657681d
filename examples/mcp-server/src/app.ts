import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import express, { type Express } from 'express'
import type { ResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'
import { mcpGate } from 'portcullis/mcp'
import { z } from 'zod'

/** An MCP server where each user keeps notes. `server` says whose tokens it accepts; its resource is the URL of `/mcp`. */
export function createApp(server: ResourceServer): Express {
  const notes = new Map<string, string[]>()
  const gate = mcpGate(server, {
    requirement: { scope: 'mcp' }, // of every request
    tools: { add_note: { scope: 'notes:write' } }, // of the calls of this tool besides
  })

  const handler = createMcpHandler(() => {
    const mcp = new McpServer({ name: 'notes', version: '1.0.0' })
    mcp.registerTool(
      'list_notes',
      { description: 'Lists the notes of the user' },
      gate.tool({}, ({ subject }) => text((notes.get(subject) ?? []).join('\n'))),
    )
    mcp.registerTool(
      'add_note',
      { description: 'Keeps a note for the user', inputSchema: z.object({ note: z.string() }) },
      gate.tool({}, ({ subject }, { note }: { note: string }) => {
        notes.set(subject, [...(notes.get(subject) ?? []), note])
        return text('kept')
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

function text(value: string) {
  return { content: [{ type: 'text' as const, text: value }] }
}
