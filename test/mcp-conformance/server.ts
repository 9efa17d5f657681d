/*
 * The server that the MCP conformance package tests: the official SDK with every feature on, behind our gate or without it.
 * The texts and names are those that its scenarios ask for.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { localhostHostValidation } from '@modelcontextprotocol/sdk/server/middleware/hostHeaderValidation.js'
import { type EventStore, StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  type JSONRPCMessage,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import express, { type RequestHandler } from 'express'
import { portcullis } from '../../adapters/express/index.js'
import { authOf, mcpGate, sessionKey } from '../../adapters/mcp/index.js'
import { type Auth, createResourceServer } from '../../src/index.js'
import { createTestIssuer } from '../../src/testing/index.js'
import { prompts, readResource, resources, resourceTemplates, tools } from './server-features.js'

/** A server at work. */
export interface ConformanceServer {
  readonly url: string
  close(): void
}

function mcpServer(): Server {
  const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {}, completions: {} }
  const server = new Server({ name: 'portcullis-conformance', version: '1.0.0' }, { capabilities })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: tools.map(({ work: _, ...tool }) => tool) }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = tools.find(({ name }) => name === params.name)
    if (tool === undefined) throw new Error('no such tool')
    return tool.work(params.arguments ?? {}, { server, extra }) as never
  })
  server.setRequestHandler(ListPromptsRequestSchema, async () => ({
    prompts: prompts.map(({ messages: _, ...prompt }) => prompt),
  }))
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const prompt = prompts.find(({ name }) => name === params.name)
    if (prompt === undefined) throw new Error('no such prompt')
    return { messages: prompt.messages(params.arguments ?? {}) } as never
  })
  server.setRequestHandler(ListResourcesRequestSchema, async () => ({ resources: [...resources] }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async () => ({ resourceTemplates }))
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }) => ({ contents: [readResource(params.uri)] }))
  server.setRequestHandler(SubscribeRequestSchema, async () => ({}))
  server.setRequestHandler(UnsubscribeRequestSchema, async () => ({}))
  server.setRequestHandler(CompleteRequestSchema, async () => ({ completion: { values: [] } }))
  return server
}

/** Keeps what was sent, for clients that come back (SEP-1699). */
function createEventStore(): EventStore {
  const kept: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = []
  return {
    async storeEvent(stream, message) {
      const id = `${stream}/${kept.length}`
      kept.push({ id, stream, message })
      return id
    },
    async replayEventsAfter(last, { send: replay }) {
      const from = kept.findIndex(({ id }) => id === last)
      const stream = kept[from]?.stream ?? ''
      for (const { id, message } of kept.slice(from + 1).filter((event) => event.stream === stream)) {
        if (Object.keys(message).length > 0) await replay(id, message)
      }
      return stream
    },
  }
}

/** The endpoint with its sessions, behind `guard`. */
function application(guard: RequestHandler, keyOf: (req: express.Request, id: string) => string): express.Express {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const app = express()
  app.use(express.json())
  app.all('/mcp', guard, async (req, res) => {
    const id = req.get('mcp-session-id')
    const known = id === undefined ? undefined : sessions.get(keyOf(req, id))
    if (id !== undefined && known === undefined) return void res.status(404).end()
    const transport = known ?? (await open(req))
    await transport.handleRequest(req, res, req.body)
  })

  async function open(req: express.Request): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: createEventStore(),
      retryInterval: 500,
      onsessioninitialized: (id) => void sessions.set(keyOf(req, id), transport),
    })
    await mcpServer().connect(transport as never)
    return transport
  }
  return app
}

async function listen(listener: Parameters<typeof createServer>[1]) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { server, port, close }
}

/** Passes every request on, with the token that the conformance package knows nothing of. */
async function addingToken(port: () => number, token: () => string | undefined) {
  return listen((req, res) => {
    const { method, url: path } = req
    const authorization = token()
    const headers = { ...req.headers, ...(authorization && { authorization }) }
    const onward = send({ port: port(), host: '127.0.0.1', method, path, headers })
    onward.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      res.flushHeaders()
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  })
}

/** The server without a gate: any request is let in, with the SDK's own check of `Host`. */
export async function startOpenServer(): Promise<ConformanceServer> {
  const { port, close } = await listen(application(localhostHostValidation(), (_req, id) => id))
  return { url: `http://localhost:${port}/mcp`, close }
}

/** The same server behind the gate: a token on every request, `Origin` and `Host` checked, sessions kept per user. */
export async function startGatedServer(): Promise<ConformanceServer> {
  let port = 0
  let token: string | undefined
  const front = await addingToken(
    () => port,
    () => token,
  )
  const resource = `http://localhost:${front.port}/mcp`
  const issuer = createTestIssuer({ audience: resource, lifetimeSeconds: 3600 })
  await issuer.listen()
  const server = createResourceServer({ resource, issuer: issuer.issuer, allowInsecureLoopback: true })
  const gate = mcpGate(server, { requirement: { scope: 'mcp' }, tools: {}, allowedHosts: [`localhost:${front.port}`] })
  const app = express()
  app.use(portcullis(server).metadata())
  const keyOf = (req: object, id: string) => sessionKey(authOf((req as { auth?: unknown }).auth) as Auth, id)
  app.use(application(gate.forExpress() as RequestHandler, keyOf))
  const back = await listen(app)
  port = back.port
  // Nothing is let in without the token: what is measured is the gate.
  const refused = await fetch(resource, { method: 'POST' })
  if (refused.status !== 401) throw new Error(`the gate answered ${refused.status} to a request without a token`)
  token = `Bearer ${issuer.mintToken({ sub: 'conformance', scope: 'mcp' })}`
  const close = () => {
    front.close()
    back.close()
    void issuer.close()
  }
  return { url: resource, close }
}
