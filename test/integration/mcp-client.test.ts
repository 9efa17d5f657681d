import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { createResourceServer, type ResourceServer } from 'portcullis'
import { afterEach, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js'
import { type LoggedIn, logInWithVersion1, logInWithVersion2 } from '../support/mcp-client.js'
import { applications } from '../support/mcp-servers.js'

const scopes = ['mcp', 'write', 'audit']
const closing: (() => unknown)[] = []

/** The port is known before the application, which must know its own address and whom to trust. */
async function openPort(): Promise<{ origin: string; serve(listener: RequestListener): void }> {
  const server: Server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.close()
    server.closeAllConnections()
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (listener) => void server.on('request', listener),
  }
}

async function trust(
  resources: readonly string[],
): Promise<{ authorizationServer: AuthorizationServer; server: ResourceServer }> {
  const authorizationServer = await startAuthorizationServer({
    resources: Object.fromEntries(resources.map((resource) => [resource, { scopes }])),
  })
  closing.push(() => authorizationServer.close())
  const { issuer } = authorizationServer
  const server = createResourceServer({ resource: resources, issuer, allowInsecureLoopback: true })
  return { authorizationServer, server }
}

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

describe.each([
  ['1', logInWithVersion1],
  ['2', logInWithVersion2],
] as const)('a client of version %s of the SDK that knows nothing but the URL', (_version, logIn) => {
  it.each(Object.entries(applications))(
    '[MCP-01] [MCP-02] [MCP-03] [MCP-05] finds the way to call a tool: %s',
    async (_name, application) => {
      const { origin, serve } = await openPort()
      const resource = `${origin}/mcp`
      const { authorizationServer, server } = await trust([resource])
      serve(await application(server, resource))

      const client = await logIn(resource)
      closing.push(client.close)
      expect(client.fetched).toEqual(
        expect.arrayContaining([
          resource,
          `${origin}/.well-known/oauth-protected-resource/mcp`,
          `${authorizationServer.issuer}/.well-known/oauth-authorization-server`,
          `${authorizationServer.issuer}/reg`,
          `${authorizationServer.issuer}/token`,
        ]),
      )
      expect(client.authorizations).toHaveLength(1)
      expect(Object.fromEntries(client.authorizations[0]?.searchParams ?? [])).toMatchObject({
        resource,
        scope: expect.stringContaining('mcp'),
        code_challenge_method: 'S256',
      })
      expect(decodeJwt(client.accessToken())).toMatchObject({ aud: resource, iss: authorizationServer.issuer })
      expect(await client.callTool('whoami')).toMatchObject({ content: [{ type: 'text', text: 'user-1' }] })
    },
  )

  it('[MCP-08] is told in one challenge what a tool needs, and in a result what is found out within', async () => {
    const { origin, serve } = await openPort()
    const resource = `${origin}/mcp`
    const { server } = await trust([resource])
    serve(await (applications['Express and version 1'] as (typeof applications)[string])(server, resource))
    const client = await logIn(resource)
    closing.push(client.close)
    await expect(client.callTool('write', { note: 'a' })).rejects.toThrow()
    const [, second] = client.authorizations
    expect(second?.searchParams.get('scope')?.split(' ')).toEqual(expect.arrayContaining(['mcp', 'write']))
    expect(await client.callTool('audit', { note: 'a' })).toMatchObject({
      isError: true,
      _meta: { 'portcullis/refusal': { error: 'insufficient_scope', scope: 'audit' } },
    })
  })

  it.each(Object.entries(applications))(
    '[MCP-03] [MCP-06] finds each of two servers on one host, and the tokens of one open nothing at the other: %s',
    async (_name, application) => {
      const { origin, serve } = await openPort()
      const resources = [`${origin}/tenant-a/mcp`, `${origin}/tenant-b/mcp`]
      const { server } = await trust(resources)
      const listeners = await Promise.all(resources.map((resource) => application(server, resource)))
      serve((req, res) => (listeners[req.url?.includes('tenant-b') ? 1 : 0] as RequestListener)(req, res))
      const clients: LoggedIn[] = []
      for (const [index, resource] of resources.entries()) {
        const client = await logIn(resource)
        closing.push(client.close)
        clients.push(client)
        expect(client.fetched).toContain(
          `${origin}/.well-known/oauth-protected-resource/tenant-${index === 0 ? 'a' : 'b'}/mcp`,
        )
        expect(await client.callTool('whoami')).toMatchObject({ content: [{ text: 'user-1' }] })
      }
      const statuses = resources.map(async (resource) =>
        Promise.all(
          clients.map(async (client) => {
            const headers = { authorization: `Bearer ${client.accessToken()}`, 'content-type': 'application/json' }
            const response = await fetch(resource, { method: 'POST', headers, body: '{}' })
            await response.body?.cancel()
            return response.status === 401
              ? response.headers.get('www-authenticate')?.includes('invalid_token')
              : 'let in'
          }),
        ),
      )
      expect(await Promise.all(statuses)).toEqual([
        ['let in', true],
        [true, 'let in'],
      ])
    },
  )
})
