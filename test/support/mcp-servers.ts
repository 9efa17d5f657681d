import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createMcpHandler, McpServer as McpServer2 } from '@modelcontextprotocol/server'
import express from 'express'
import Fastify from 'fastify'
import Koa from 'koa'
import type { ResourceServer } from 'portcullis'
import { portcullis as forExpress } from 'portcullis/express'
import { portcullis as forFastify } from 'portcullis/fastify'
import { portcullis as forFetch } from 'portcullis/fetch'
import { portcullis as forKoa } from 'portcullis/koa'
import { authOf, type McpGate, mcpGate } from 'portcullis/mcp'
import { z } from 'zod'

/** An MCP endpoint under guard, as a listener of `node:http`. */
export type McpApplication = (server: ResourceServer, resource: string) => RequestListener | Promise<RequestListener>

function gateOf(server: ResourceServer, resource: string): McpGate {
  return mcpGate(server, { resource, requirement: { scope: 'mcp' }, tools: { write: { scope: 'write' } } })
}

const text = (value: string | undefined) => ({ content: [{ type: 'text' as const, text: String(value) }] })

/** The tools, for version 1 of the SDK: a fresh server for every request. */
async function answer1(gate: McpGate, req: never, res: never, body: unknown): Promise<void> {
  const mcp = new McpServer1({ name: 'under test', version: '1.0.0' })
  mcp.registerTool('whoami', {}, (extra) => text(authOf(extra)?.subject))
  mcp.registerTool('write', { inputSchema: { note: z.string() } }, ({ note }) => text(`wrote ${note}`))
  mcp.registerTool(
    'audit',
    { inputSchema: { note: z.string() } },
    gate.tool({ scope: 'audit' }, (auth, { note }: { note: string }) => text(`${auth.subject} saw ${note}`)),
  )
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  await mcp.connect(transport as never)
  await transport.handleRequest(req, res, body)
}

/** The same tools, for version 2, which makes the servers itself. */
function handler2(gate: McpGate) {
  return createMcpHandler(() => {
    const mcp = new McpServer2({ name: 'under test', version: '1.0.0' })
    mcp.registerTool('whoami', {}, (ctx) => text(authOf(ctx)?.subject))
    mcp.registerTool('write', { inputSchema: z.object({ note: z.string() }) }, ({ note }) => text(`wrote ${note}`))
    mcp.registerTool(
      'audit',
      { inputSchema: z.object({ note: z.string() }) },
      gate.tool({ scope: 'audit' }, (auth, { note }: { note: string }) => text(`${auth.subject} saw ${note}`)),
    )
    return mcp
  })
}

export const applications: Readonly<Record<string, McpApplication>> = {
  'Express and version 1': (server, resource) => {
    const gate = gateOf(server, resource)
    const app = express().use(forExpress(server).metadata(), express.json())
    app.all(new URL(resource).pathname, gate.forExpress(), (req, res) =>
      answer1(gate, req as never, res as never, req.body),
    )
    return app
  },
  'Express and version 2': (server, resource) => {
    const gate = gateOf(server, resource)
    const answer = toNodeHandler(handler2(gate))
    const app = express().use(forExpress(server).metadata(), express.json())
    app.all(new URL(resource).pathname, gate.forExpress(), (req, res) => answer(req as never, res, req.body))
    return app
  },
  'Fastify and version 1': async (server, resource) => {
    const gate = gateOf(server, resource)
    const app = Fastify()
    await app.register(forFastify, { server })
    app.all(new URL(resource).pathname, { preHandler: gate.forFastify() }, async (request, reply) => {
      await answer1(gate, request.raw as never, reply.hijack().raw as never, request.body)
    })
    await app.ready()
    return (req, res) => app.routing(req, res)
  },
  'Koa and version 1': (server, resource) => {
    const gate = gateOf(server, resource)
    const app = new Koa()
    app.use(forKoa(server).metadata())
    app.use(async (ctx, next) => {
      const chunks: Buffer[] = []
      for await (const chunk of ctx.req) chunks.push(chunk)
      const body = Buffer.concat(chunks).toString()
      if (body !== '') Object.assign(ctx.request, { body: JSON.parse(body) })
      await next()
    })
    app.use(gate.forKoa())
    app.use(async (ctx) => {
      ctx.respond = false
      await answer1(gate, ctx.req as never, ctx.res as never, (ctx.request as { body?: unknown }).body)
    })
    return app.callback()
  },
  'Fetch and version 2': (server, resource) => {
    const gate = gateOf(server, resource)
    const mcp = handler2(gate)
    const guarded = gate.forFetch((request, options) => mcp.fetch(request, options))
    const own = forFetch(server)
    return getRequestListener(async (request) => (await own.metadata(request)) ?? guarded(request)) as RequestListener
  },
}
