import { afterEach, describe, expect, it, vi } from 'vitest'
import { guardedFetch } from '../../../../../src/kit/fetch/guarded-fetch.js'
import { fetchPublic } from '../../../../../src/kit/fetch/network/node.js'
import { platformFetch } from '../../../../../src/kit/fetch/platform-fetch.js'
import { type LoopbackServer, listenOnLoopback } from '../../../../support/loopback-server.js'

const judged = vi.hoisted(() => [] as string[])

// No public host can be reached from a test: loopback stands in for one.
vi.mock('../../../../../src/kit/fetch/network/public-address.js', () => ({
  isPublicHostname: () => true,
  isPublicAddress: (address: string) => judged.push(address) > 0,
}))

let server: LoopbackServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

async function get(path: string): Promise<Response> {
  const { port } = new URL((server as LoopbackServer).origin)
  const { signal } = new AbortController()
  return fetchPublic(`http://localhost:${port}${path}`, { method: 'GET', headers: {}, redirect: 'manual', signal })
}

describe('fetchPublic on Node', () => {
  it('[JWKS-08] connects to a resolved address that was judged, and follows no redirect', async () => {
    server = await listenOnLoopback((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: '/' }).end()
      else response.setHeader('content-type', 'application/json').end('{"keys":[]}')
    })
    expect(await (await get('/')).json()).toEqual({ keys: [] })
    expect(judged).toContain('127.0.0.1')
    expect((await get('/away')).status).toBe(302)
    expect(server.requests()).toBe(2)
  })

  it('[JWKS-08] is what guardedFetch uses for a host the configuration does not name', async () => {
    judged.length = 0
    server = await listenOnLoopback((_, response) => response.end())
    const { port } = new URL(server.origin)
    const failed = guardedFetch(`https://localhost:${port}/`, {
      fetch: platformFetch,
      headers: {},
      timeoutMs: 5000,
      maxBytes: 100,
      allowInsecureLoopback: false,
      trustedHostnames: [],
    })
    // The server speaks no TLS; what matters is who resolved the name.
    await expect(failed).rejects.toMatchObject({ reason: 'network' })
    expect(judged).toContain('127.0.0.1')
  })
})
