import { mkdtempSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as sdk2 from '@modelcontextprotocol/client'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createResourceServer } from 'portcullis'
import { createMcpAuthProvider } from 'portcullis/login'
import { nativeSignIn } from 'portcullis/native'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthorizationServer,
  followToRedirect,
  startAuthorizationServer,
} from '../support/authorization-server.js'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'
import { applications } from '../support/mcp-servers.js'
import { runInProcess } from '../support/run-command.js'

/*
 * Clients that know the URL of an MCP server alone, against our gate and real oidc-provider: the official SDK with
 * `createMcpAuthProvider`, and the command.
 */

let authorizationServer: AuthorizationServer
let listening: LoopbackServer
let resource: string
const seen: string[] = []
const home = mkdtempSync(join(tmpdir(), 'portcullis-mcp-'))

beforeAll(async () => {
  let application: RequestListener | undefined
  listening = await listenOnLoopback((req, res) => {
    seen.push(`${req.method} ${req.headers.authorization?.split(' ')[0] ?? 'nothing'}`)
    application?.(req, res)
  })
  resource = `${listening.origin}/mcp`
  authorizationServer = await startAuthorizationServer({ resources: { [resource]: { scopes: ['mcp', 'write'] } } })
  const { issuer } = authorizationServer
  const server = createResourceServer({ resource, issuer, allowInsecureLoopback: true })
  application = await (applications['Express and version 2'] as (typeof applications)[string])(server, resource)
})
afterAll(async () => {
  await Promise.all([listening.close(), authorizationServer.close()])
  rmSync(home, { recursive: true, force: true })
})

/** What a user does: signs in at the address, and lets the browser come back. */
async function visit(address: string): Promise<void> {
  const isStart = !address.includes('redirect_uri=')
  const start = isStart ? (await fetch(address, { redirect: 'manual' })).headers.get('location') : address
  const url = new URL(start as string)
  await fetch(await followToRedirect(url, url.searchParams.get('redirect_uri') as string))
}

type Call = (name: string, args: Record<string, unknown>) => Promise<unknown>
type Fetch = typeof globalThis.fetch

const versions: Readonly<Record<string, (fetch: Fetch) => Promise<Call>>> = {
  async 'version 1'(fetch) {
    const client = new Client1({ name: 'test', version: '1.0.0' })
    await client.connect(new Transport1(new URL(resource), { fetch }) as never)
    return (name, args) => client.callTool({ name, arguments: args })
  },
  async 'version 2'(fetch) {
    const client = new sdk2.Client({ name: 'test', version: '1.0.0' })
    await client.connect(new sdk2.StreamableHTTPClientTransport(new URL(resource), { fetch }))
    return (name, args) => client.callTool({ name, arguments: args })
  },
}

describe.each(Object.entries(versions))('createMcpAuthProvider for %s of the official SDK', (_name, connect) => {
  it('[S3-29] [MCP-12] [MCP-14] [MCP-16] signs in, sends bound tokens, and steps up for a tool that needs more', async () => {
    const logins: string[] = []
    const openBrowser = async (url: string) => {
      logins.push(url)
      await visit(url)
    }
    const signIn = nativeSignIn({ openBrowser })
    const provider = createMcpAuthProvider({ serverUrl: resource, signIn, allowInsecureLoopback: true })
    seen.length = 0
    const call = await connect(provider.fetch as Fetch)
    expect(await call('whoami', {})).toMatchObject({ content: [{ text: 'user-1' }] })
    expect(logins).toHaveLength(1)
    // Version 1 opens its stream of events by GET beside the calls.
    expect(seen.filter((request) => request.startsWith('POST')).at(-1)).toBe('POST DPoP')
    expect(await call('write', { note: 'milk' })).toMatchObject({ content: [{ text: 'wrote milk' }] })
    expect((await provider.token())?.scope).toEqual(expect.arrayContaining(['mcp', 'write']))
    await provider.close()
  })
})

describe('the command', () => {
  const env = { XDG_STATE_HOME: home }
  const onWords = (text: string) => {
    const [address] = /http:\/\/\S+\/auth\?\S+/.exec(text) ?? []
    if (address !== undefined) void visit(address).catch(() => {})
  }
  /** The answers of the token endpoint. */
  const answered: Readonly<Record<string, string>>[] = []
  const watchingFetch: Fetch = async (url, init) => {
    const response = await fetch(url, init)
    if (String(url) === `${authorizationServer.issuer}/token`) answered.push(await response.clone().json())
    return response
  }
  const run = (...args: readonly string[]) =>
    runInProcess([...args, '--store', 'file', '--no-browser'], { env, onWords, fetch: watchingFetch as never })

  it('[S3-29] portcullis mcp login shows each step of the way, and signs in', async () => {
    const { exitCode, stdout, stderr } = await run('mcp', 'login', resource)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `signed in at ${resource}: Bearer for mcp\n` })
    const steps = stderr.split('\n').map((line) => line.split(/ {2,}/)[0])
    const order = ['challenge', 'resource_metadata', 'authorization_server', 'client', 'sign_in', 'token']
    expect(steps.filter((step) => order.includes(step as string))).toEqual(order)
    expect(stderr).toContain(authorizationServer.issuer)
    expect(stderr).toMatch(/^tokens are kept in: file .* \(PLAIN TEXT\)$/m)
  })

  it('portcullis mcp login leaves tokens alone that serve, unless told otherwise', async () => {
    expect((await run('mcp', 'login', resource)).stdout).toBe(
      `signed in at ${resource} already; --force signs in anew\n`,
    )
    answered.length = 0
    const { stdout, stderr } = await run('mcp', 'login', resource, '--force', '--json')
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({ resource, tokenType: 'Bearer', scope: ['mcp'], store: { kind: 'file' } })
    expect(found.steps.map(({ step }: { step: string }) => step)).toContain('authorization_server')
    const isSecret = (name: string) => ['access_token', 'refresh_token', 'id_token'].includes(name)
    const secrets = answered.flatMap((tokens) =>
      Object.keys(tokens)
        .filter(isSecret)
        .map((name) => tokens[name] ?? ''),
    )
    expect(secrets).not.toEqual([])
    expect(secrets.filter((secret) => (stdout + stderr).includes(secret))).toEqual([])
  })

  it('portcullis fetch sends a request with the tokens of that login, and tells the answer', async () => {
    const initialize = JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    })
    const answer = await run('fetch', resource, '--data', initialize, '--json')
    expect(answer.exitCode).toBe(0)
    const { status, body, steps } = JSON.parse(answer.stdout)
    expect([status, steps]).toEqual([200, []])
    expect(body).toContain('under test')
    const piped = await runInProcess(['fetch', resource, '--store', 'file', '--data', '-'], {
      ...{ env, stdin: 'no JSON', fetch: fetch as never },
    })
    expect(piped).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('400') })
  })
})
