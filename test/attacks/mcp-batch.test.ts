import { mcpGate } from 'portcullis/mcp'
import { describe, expect, it } from 'vitest'
import { createAttackedServer, resource } from '../support/attacked-server.js'

const { issuer, server, clock } = createAttackedServer()

const handle = mcpGate(server, {
  tools: {
    erase: { scope: 'admin', claims: { department: 'security' } },
    pay: { acr: 'gold', maxAgeSeconds: 60 },
    sign: { allow: ({ subject }) => subject === 'signer' },
    seal: { dpop: 'required' },
    read: { scope: 'read', claims: { department: ['sales', 'security'] }, acr: 'bronze', allow: () => true },
    look: { maxAgeSeconds: 31_536_000, dpop: 'off' },
  },
}).forFetch(() => new Response('done'))

const yesterday = clock.now() / 1000 - 86_400
const claims = { sub: 'eve', scope: 'read admin', department: 'sales', acr: 'bronze', auth_time: yesterday }
const token = issuer.mintToken(claims)

async function call(...names: string[]): Promise<number> {
  const messages = names.map((name, id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } }))
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const response = await handle(new Request(resource, { method: 'POST', headers, body: JSON.stringify(messages) }))
  return response.status
}

describe('a batch of tool calls', () => {
  it.each([
    ['erase', 403],
    ['pay', 401],
    ['sign', 403],
    ['seal', 401],
  ])('[MCP-07] [MCP-08] does not get %s by for company that needs less', async (tool, status) => {
    expect(await call(tool)).toBe(status)
    for (const company of ['read', 'look', 'other']) {
      expect(await call(company, tool)).toBe(status)
      expect(await call(tool, company)).toBe(status)
      expect(await call(tool, company, 'read', 'look')).toBe(status)
    }
  })

  it('[MCP-07] passes where each call would', async () => {
    expect(await call('read', 'look', 'other', 'read')).toBe(200)
  })
})
