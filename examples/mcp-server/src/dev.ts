/** The server on your own machine, with an authorization server in the same process: npm start */
import { createResourceServer } from 'portcullis'
import { createTestIssuer } from 'portcullis/testing'
import { createApp } from './app.js'

const { PORT = '3000' } = process.env
const resource = `http://127.0.0.1:${PORT}/mcp`
const issuer = createTestIssuer({ audience: resource, lifetimeSeconds: 3600 })
const server = createResourceServer({ resource, issuer: await issuer.listen(), allowInsecureLoopback: true })

createApp(server).listen(Number(PORT), '127.0.0.1', () => {
  const token = issuer.mintToken({ sub: 'alice', scope: 'mcp notes:write' })
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_notes', arguments: {} } }
  const headers = [
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
  ]
  console.log(`The MCP server is at ${resource}`)
  console.log(
    `Try: curl -i ${resource} ${headers.map((field) => `-H '${field}'`).join(' ')} -d '${JSON.stringify(call)}'`,
  )
})
