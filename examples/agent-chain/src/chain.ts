import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createResourceServer } from 'portcullis'
import { clientSecretBasic, createOAuthClient, perIssuer } from 'portcullis/client'
import { createAgent } from './agent.js'
import { createCalendar } from './calendar.js'
import { createTools } from './tools.js'

/** All three servers, running on this machine. */
export interface Chain {
  /** The agent's resource identifier. */
  readonly agent: string
  readonly calendar: string
  readonly mcpUrl: string
  close(): void
}

/** Starts them in one process; in production each is a deployment of its own, and speaks https. */
export async function startChain(issuer: string, port = 0): Promise<Chain> {
  const allowInsecureLoopback = true
  const [agent, tools, calendar] = [await listen(port), await listen(), await listen()] as const
  const mcpUrl = `${tools.origin}/mcp`
  // Behind the agent every token is bound to the key of who sends it: a stolen one opens nothing.
  const bound = { issuer, dpop: 'required', allowInsecureLoopback } as const

  calendar.http.on('request', createCalendar(createResourceServer({ resource: calendar.origin, ...bound })))

  const toolsCredential = clientSecretBasic({ clientId: 'tools', clientSecret: 'tools-secret' })
  const client = createOAuthClient({ issuer, credential: toolsCredential, dpop: true, allowInsecureLoopback })
  const toolsServer = createResourceServer({ resource: mcpUrl, ...bound })
  tools.http.on('request', createTools({ server: toolsServer, client, calendar: calendar.origin }))

  const agentServer = createResourceServer({ resource: agent.origin, issuer, allowInsecureLoopback })
  const credentials = perIssuer({ [issuer]: clientSecretBasic({ clientId: 'agent', clientSecret: 'agent-secret' }) })
  agent.http.on('request', createAgent({ server: agentServer, credentials, issuer, mcpUrl, allowInsecureLoopback }))

  return {
    agent: agent.origin,
    calendar: calendar.origin,
    mcpUrl,
    close() {
      for (const { http } of [agent, tools, calendar]) http.close()
    },
  }
}

/** A resource is known by its URL, so that it listens before it is made. */
async function listen(port = 0): Promise<{ readonly http: Server; readonly origin: string }> {
  const http = createServer().listen(port, '127.0.0.1')
  await once(http, 'listening')
  return { http, origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
}
