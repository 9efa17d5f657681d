/** The code of an API for each framework, as the choices have it. */
import type { Choices, Framework } from './choices.js'
import { toParameters, toRequirement, toServerOptions } from './gate-set-up.js'
import { sourceText } from './source-text.js'

/** A program to copy. */
export interface FrameworkCode {
  /** What to install. */
  readonly packages: string
  readonly code: string
}

/** Parts of a program that all frameworks share. */
interface Parts {
  /** `import` lines of the library besides the adapter, sorted. */
  readonly imports: readonly string[]
  /** The statement that makes `server`. */
  readonly server: string
  /** The requirement, or nothing where there is none. */
  readonly requirement: string
  /** The path of the resource; of an MCP endpoint. */
  readonly endpoint: string
}

const writers: Readonly<Record<Framework, (parts: Parts) => FrameworkCode>> = {
  express: ({ imports, server, requirement }) => ({
    packages: 'portcullis express',
    code: `import express from 'express'
${lines(imports, "import { portcullis } from 'portcullis/express'")}

${server}
const { metadata, requireToken } = portcullis(server)

const app = express()
app.use(metadata())
app.get('/orders', requireToken(${requirement}), (req, res) => {
  res.json({ subject: req.auth.subject })
})
app.listen(3000)
`,
  }),
  fastify: ({ imports, server, requirement }) => ({
    packages: 'portcullis fastify',
    code: `import Fastify from 'fastify'
${lines(imports, "import { portcullis } from 'portcullis/fastify'")}

${server}

const app = Fastify()
await app.register(portcullis, { server })
app.get('/orders', { config: { portcullis: ${requirement || '{}'} } }, async (request) => {
  return { subject: request.auth.subject }
})
await app.listen({ port: 3000 })
`,
  }),
  koa: ({ imports, server, requirement }) => ({
    packages: 'portcullis koa @koa/router',
    code: `import Router from '@koa/router'
import Koa from 'koa'
${lines(imports, "import { portcullis } from 'portcullis/koa'")}

${server}
const { metadata, requireToken } = portcullis(server)

const router = new Router()
router.get('/orders', requireToken(${requirement}), (ctx) => {
  ctx.body = { subject: ctx.state.auth.subject }
})
new Koa().use(metadata()).use(router.routes()).listen(3000)
`,
  }),
  hono: ({ imports, server, requirement }) => ({
    packages: 'portcullis hono',
    code: `import { Hono } from 'hono'
${lines(imports, "import { portcullis } from 'portcullis/fetch'")}

${server}
const gate = portcullis(server)
const guard = gate.requireToken(${requirement})

const app = new Hono()
app.use(async (c, next) => (await gate.metadata(c.req.raw)) ?? next())
app.get('/orders', async (c) => {
  const result = await guard(c.req.raw)
  return result.ok ? c.json({ subject: result.auth.subject }) : result.response
})

export default app
`,
  }),
  fetch: ({ imports, server, requirement }) => ({
    packages: 'portcullis',
    code: `${lines(imports, "import { portcullis } from 'portcullis/fetch'")}

${server}
const gate = portcullis(server)

const orders = gate.withAuth(${requirement || '{}'}, (_request, auth) => {
  return Response.json({ subject: auth.subject })
})

export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === '/orders') return orders(request)
    return (await gate.metadata(request)) ?? new Response(null, { status: 404 })
  },
}
`,
  }),
  nest: ({ imports, server, requirement }) => ({
    packages: 'portcullis @nestjs/common @nestjs/core @nestjs/platform-express reflect-metadata rxjs',
    code: `import 'reflect-metadata'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
${lines(imports, "import { Auth, PortcullisModule, RequireToken } from 'portcullis/nest'")}

${server}

@Controller()
class OrdersController {
  @Get('orders')
  @RequireToken(${requirement})
  orders(@Auth() auth: Auth) {
    return { subject: auth.subject }
  }
}

@Module({ imports: [PortcullisModule.forRoot({ server })], controllers: [OrdersController] })
class AppModule {}

const app = await NestFactory.create(AppModule)
await app.listen(3000)
`,
  }),
  mcp: ({ imports, server, requirement, endpoint }) => ({
    packages: 'portcullis express @modelcontextprotocol/sdk',
    code: `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
${lines(imports, "import { portcullis } from 'portcullis/express'", "import { authOf, mcpGate } from 'portcullis/mcp'")}

${server}
const gate = mcpGate(server${requirement === '' ? '' : `, { requirement: ${requirement} }`})

const app = express()
app.use(portcullis(server).metadata(), express.json())
app.all(${endpoint}, gate.forExpress(), async (req, res) => {
  const mcp = new McpServer({ name: 'orders', version: '1.0.0' })
  mcp.registerTool('whoami', { description: 'Tells who calls' }, (extra) => ({
    content: [{ type: 'text', text: authOf(extra)?.subject ?? '' }],
  }))
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
  await mcp.connect(transport)
  await transport.handleRequest(req, res, req.body)
})
app.listen(3000)
`,
  }),
}

/** The program for the framework that was chosen. */
export function frameworkCode(choices: Choices): FrameworkCode {
  const { resource, dpop, allowInsecureLoopback } = toServerOptions(choices)
  const requirement = toRequirement(choices)
  const isPlain = choices.provider === 'rfc9068'
  const parameters = toParameters(choices)
  const issuer = isPlain ? sourceText(parameters['issuer'] ?? '') : `${choices.provider}(${sourceText(parameters)})`
  return writers[choices.framework]({
    imports: [
      "import { createResourceServer } from 'portcullis'",
      ...(isPlain ? [] : [`import { ${choices.provider} } from 'portcullis/providers'`]),
    ],
    server: [
      'const server = createResourceServer({',
      `  resource: ${sourceText(resource)},`,
      `  issuer: ${issuer},`,
      ...(dpop === undefined ? [] : [`  dpop: ${sourceText(dpop)},`]),
      ...(allowInsecureLoopback === undefined
        ? []
        : ['  allowInsecureLoopback: true, // for development on this machine']),
      '})',
    ].join('\n'),
    requirement: Object.keys(requirement).length === 0 ? '' : sourceText(requirement),
    endpoint: sourceText(endpointOf(choices.resource)),
  })
}

/** MCP has one endpoint, which the resource names. */
function endpointOf(resource: string): string {
  const path = URL.canParse(resource) ? new URL(resource).pathname : '/'
  return path === '/' ? '/mcp' : path
}

function lines(imports: readonly string[], ...adapters: readonly string[]): string {
  const from = (line: string) => line.slice(line.indexOf(' from '))
  return [...imports, ...adapters].sort((one, other) => (from(one) < from(other) ? -1 : 1)).join('\n')
}
