import * as sdk2 from '@modelcontextprotocol/client'
import { UnauthorizedError as UnauthorizedError1 } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { followToRedirect } from './authorization-server.js'

const redirectUrl = 'http://127.0.0.1:33418/callback'

/** What a client knows of itself, and keeps. Nothing of the server: all that must be discovered. */
export interface ClientMemory {
  /** What was asked of the user's browser, in order. */
  readonly authorizations: URL[]
  /** The URLs the client fetched, in order. */
  readonly fetched: string[]
  accessToken(): string
}

/** A client of the official SDK after its login, and the version's own errors. */
export interface LoggedIn extends ClientMemory {
  callTool(
    name: string,
    args?: Record<string, unknown>,
  ): Promise<{ isError?: unknown; content: unknown; _meta?: unknown }>
  close(): Promise<void>
}

/** What both versions of the SDK want of an application. */
function createMemory() {
  const authorizations: URL[] = []
  const fetched: string[] = []
  const kept: Record<string, unknown> = {}
  const authProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: 'a client under test',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    clientInformation: () => kept['client'] as never,
    saveClientInformation: (client: unknown) => void Object.assign(kept, { client }),
    tokens: () => kept['tokens'] as never,
    saveTokens: (tokens: unknown) => void Object.assign(kept, { tokens }),
    redirectToAuthorization: (url: URL) => void authorizations.push(url),
    saveCodeVerifier: (verifier: string) => void Object.assign(kept, { verifier }),
    codeVerifier: () => kept['verifier'] as string,
    saveDiscoveryState: (discovery: unknown) => void Object.assign(kept, { discovery }),
    discoveryState: () => kept['discovery'] as never,
  }
  return {
    authProvider,
    authorizations,
    fetched,
    accessToken: () => (kept['tokens'] as { access_token: string }).access_token,
    async fetch(input: string | URL, init?: RequestInit) {
      fetched.push(String(input))
      return fetch(input, init)
    },
    /** What a user does: follows the link, signs in, and comes back. */
    async login() {
      const callback = await followToRedirect(authorizations.at(-1) as URL, redirectUrl)
      return callback.searchParams
    },
  }
}

/** Logs in with version 1 of the SDK, knowing the URL of the server alone. */
export async function logInWithVersion1(url: string): Promise<LoggedIn> {
  const memory = createMemory()
  const connect = async () => {
    const transport = new Transport1(new URL(url), memory)
    const client = new Client1({ name: 'test', version: '1.0.0' })
    try {
      await client.connect(transport as never)
      return client
    } catch (error) {
      if (!(error instanceof UnauthorizedError1)) throw error
      await transport.finishAuth((await memory.login()).get('code') as string)
      return undefined
    }
  }
  const client = (await connect()) ?? ((await connect()) as Client1)
  return {
    ...memory,
    callTool: async (name, args = {}) => (await client.callTool({ name, arguments: args })) as never,
    close: () => client.close(),
  }
}

/** Logs in with version 2 of the SDK, knowing the URL of the server alone. */
export async function logInWithVersion2(url: string): Promise<LoggedIn> {
  const memory = createMemory()
  const connect = async () => {
    const transport = new sdk2.StreamableHTTPClientTransport(new URL(url), memory)
    const client = new sdk2.Client({ name: 'test', version: '1.0.0' })
    try {
      await client.connect(transport)
      return client
    } catch (error) {
      if (!sdk2.UnauthorizedError.isInstance(error)) throw error
      await transport.finishAuth(await memory.login())
      return undefined
    }
  }
  const client = (await connect()) ?? ((await connect()) as sdk2.Client)
  return {
    ...memory,
    callTool: async (name, args = {}) => (await client.callTool({ name, arguments: args })) as never,
    close: () => client.close(),
  }
}
