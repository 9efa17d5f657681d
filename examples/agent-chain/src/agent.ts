import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import express, { type Express } from 'express'
import type { ResourceServer } from 'portcullis'
import type { IssuerCredentials } from 'portcullis/client'
import { portcullis } from 'portcullis/express'
import { createMcpAuthProvider, exchangeSignIn } from 'portcullis/login'
import { sight } from './sight.js'

/** What the agent is made of. */
export interface AgentOptions {
  readonly server: ResourceServer
  /** Who the agent is, at which authorization server. */
  readonly credentials: IssuerCredentials
  /** The one authorization server that may see the user's token. */
  readonly issuer: string
  /** The URL of the MCP server: all that the agent knows of it. */
  readonly mcpUrl: string
  readonly allowInsecureLoopback?: boolean
}

/** The agent. It acts for whoever calls it: it exchanges the user's token where the MCP server's 401 leads it. */
export function createAgent({ server, credentials, issuer, mcpUrl, allowInsecureLoopback }: AgentOptions): Express {
  const { metadata, requireToken } = portcullis(server)
  const app = express()
  app.use(metadata())
  app.get('/agenda', requireToken({ scope: 'agent' }), async ({ auth }, res) => {
    const provider = createMcpAuthProvider({
      serverUrl: mcpUrl,
      issuers: [issuer],
      credentials,
      allowInsecureLoopback,
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
  return app
}
