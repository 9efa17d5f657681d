import { discoverAuthorizationServerMetadata, discoverOAuthMetadata } from '@modelcontextprotocol/sdk/client/auth.js'
import express from 'express'
import { createResourceServer } from 'portcullis'
import { portcullis } from 'portcullis/express'
import { createTestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'

const metadata = { authorization_endpoint: 'https://login.test/authorize', response_types_supported: ['code'] }
const issuer = createTestIssuer({ audience: 'https://mcp.test/team/mcp', metadata })
const servers: LoopbackServer[] = []

/** An MCP server whose only protected resource is at `path`. */
async function serverAt(path: string, authorizationServerMetadata: 'pass-through' | 'off' = 'pass-through') {
  const resource = `https://mcp.test${path}`
  const options = { issuer: issuer.issuer, allowInsecureLoopback: true, authorizationServerMetadata }
  const app = express().use(portcullis(createResourceServer({ resource, ...options })).metadata())
  const server = await listenOnLoopback(app)
  servers.push(server)
  return server.origin
}

beforeAll(() => issuer.listen())
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()))
  await issuer.close()
})

describe('the metadata of the authorization server, for MCP clients that know no RFC 9728', () => {
  const found = expect.objectContaining(metadata)

  it.each([
    ['/', '/'],
    ['/mcp', '/mcp'],
    ['/mcp', '/mcp/'],
    ['/mcp/', '/mcp'],
    ['/team/mcp', '/team/mcp'],
    ['/team/mcp', '/team/mcp/sse'],
  ])('[S3-24] of a resource at %s is found by a client of %s that falls back to the root', async (path, asked) => {
    const origin = await serverAt(path)
    expect(await discoverOAuthMetadata(`${origin}${asked}`)).toEqual(found)
  })

  it.each([
    ['/', '/'],
    ['/mcp', '/mcp'],
    ['/mcp', '/mcp/'],
    ['/mcp/', '/mcp'],
    ['/team/mcp', '/team/mcp'],
  ])('[S3-24] of a resource at %s is found by a client of %s that takes its path along', async (path, asked) => {
    const origin = await serverAt(path)
    expect(await discoverAuthorizationServerMetadata(`${origin}${asked}`)).toEqual(found)
  })

  it('[S3-24] is found below every well-known name such a client asks for first, and nowhere unless wanted', async () => {
    const [on, off] = await Promise.all([serverAt('/team/mcp'), serverAt('/team/mcp', 'off')])
    const paths = [
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server/team/mcp',
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/team/mcp',
    ]
    for (const path of paths) {
      const response = await fetch(`${on}${path}`, { headers: { 'MCP-Protocol-Version': '2025-03-26' } })
      expect(await response.json(), path).toEqual(found)
      expect((await fetch(`${off}${path}`)).status, path).toBe(404)
    }
  })
})
