import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createResourceServer } from 'portcullis'
import { clientSecretBasic, perIssuer } from 'portcullis/client'
import { clientCredentialsSignIn, createMcpAuthProvider } from 'portcullis/login'
import { createTestIssuer } from 'portcullis/testing'
import { createApp } from '../src/app.js'

const http = createServer().listen(0, '127.0.0.1')
await once(http, 'listening')
const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
const issuer = createTestIssuer({ audience: url, clients: { assistant: 'its secret' } })
const server = createResourceServer({ resource: url, issuer: await issuer.listen(), allowInsecureLoopback: true })
http.on('request', createApp(server))

after(async () => {
  http.close()
  await issuer.close()
})

function post(token?: string, tool = 'list_notes') {
  const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' })
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  const params = { name: tool, arguments: { note: 'milk' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  return fetch(url, { method: 'POST', headers, body })
}

test('a client without a token is told where to get one, and what to ask for', async () => {
  const refused = await post()
  assert.equal(refused.status, 401)
  const metadataUrl = new URL('/.well-known/oauth-protected-resource/mcp', url).href
  const challenge = refused.headers.get('www-authenticate') ?? ''
  assert.ok(challenge.startsWith(`Bearer resource_metadata="${metadataUrl}", scope="mcp"`))
  assert.equal(((await (await fetch(metadataUrl)).json()) as { resource: string }).resource, url)
})

test('a token with the scope calls a tool', async () => {
  assert.equal((await post(issuer.mintToken({ scope: 'mcp' }))).status, 200)
})

test('a tool that needs more says so before it runs', async () => {
  const refused = await post(issuer.mintToken({ scope: 'mcp' }), 'add_note')
  assert.equal(refused.status, 403)
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="mcp notes:write"/)
})

test('the client of the SDK finds its way from the 401, and asks for more when a tool needs more', async () => {
  const credentials = perIssuer({
    [issuer.issuer]: clientSecretBasic({ clientId: 'assistant', clientSecret: 'its secret' }),
  })
  const signIn = clientCredentialsSignIn() // `nativeSignIn` of `portcullis/native` opens the browser of a user instead
  const auth = createMcpAuthProvider({ serverUrl: url, credentials, signIn, allowInsecureLoopback: true })
  const client = new Client({ name: 'assistant', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: auth.fetch }))
  try {
    await client.callTool({ name: 'add_note', arguments: { note: 'bread' } })
    const { content } = await client.callTool({ name: 'list_notes', arguments: {} })
    assert.deepEqual(content, [{ type: 'text', text: 'bread' }])
    assert.equal(issuer.requestCount('token'), 2) // one token for `mcp`, one for `mcp notes:write`
  } finally {
    await client.close()
    await auth.close()
  }
})
