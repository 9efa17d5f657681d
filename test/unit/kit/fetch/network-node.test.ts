import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { guardedFetch } from '../../../../src/kit/fetch/guarded-fetch.js'
import { createPublicLookup, fetchPublic, type ResolvedAddress } from '../../../../src/kit/fetch/network-node.js'
import { platformFetch } from '../../../../src/kit/fetch/platform-fetch.js'
import { type LoopbackServer, listenOnLoopback } from '../../../support/loopback-server.js'

const { judged, standIn } = vi.hoisted(() => ({ judged: [] as string[], standIn: { isPublic: true } }))

// No public host can be reached from a test: loopback stands in for one.
vi.mock('../../../../src/kit/fetch/secure-url.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../../src/kit/fetch/secure-url.js')>()
  const isPublicAddress = (address: string) =>
    address === '127.0.0.1' && standIn.isPublic ? judged.push(address) > 0 : original.isPublicAddress(address)
  return { ...original, isPublicHostname: () => true, isPublicAddress }
})

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
      timeoutMs: 60_000,
      maxBytes: 100,
      insecureHosts: false,
      trustedHostnames: [],
    })
    // The server speaks no TLS; what matters is who resolved the name.
    await expect(failed).rejects.toMatchObject({ reason: 'network' })
    expect(judged).toContain('127.0.0.1')
  })
})

function resolving(...addresses: string[]) {
  const resolved = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return vi.fn((_: string, __: object, callback: (error: Error | null, found: ResolvedAddress[]) => void) =>
    callback(null, resolved),
  )
}

describe('the look-up of a public host', () => {
  beforeEach(() => {
    standIn.isPublic = false
  })
  afterEach(() => {
    standIn.isPublic = true
  })

  it('[JWKS-08] gives the socket exactly the addresses it judged, resolved once', () => {
    const resolve = resolving('8.8.8.8', '2606:4700::1')
    const callback = vi.fn()
    createPublicLookup(resolve)('keys.example', { all: true }, callback)
    expect(callback).toHaveBeenCalledExactlyOnceWith(null, [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ])
    expect(resolve).toHaveBeenCalledExactlyOnceWith('keys.example', { all: true }, expect.any(Function))
  })

  it('[JWKS-08] gives the first one where one is asked for', () => {
    const callback = vi.fn()
    createPublicLookup(resolving('8.8.8.8', '9.9.9.9'))('keys.example', {}, callback)
    expect(callback).toHaveBeenCalledExactlyOnceWith(null, '8.8.8.8', 4)
  })

  it.each([['10.0.0.1'], ['8.8.8.8', '127.0.0.1'], ['fd00::1'], ['::ffff:127.0.0.1'], []])(
    '[JWKS-08] refuses a name that leads to %s',
    (...addresses) => {
      for (const all of [true, false]) {
        const callback = vi.fn()
        createPublicLookup(resolving(...addresses))('rebinding.example', { all }, callback)
        expect(callback).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ reason: 'private_address' }), [])
      }
    },
  )

  it('passes a failure of the resolver on', () => {
    const callback = vi.fn()
    createPublicLookup((_, __, done) => done(new Error('ENOTFOUND'), []))('nowhere.example', {}, callback)
    expect(callback).toHaveBeenCalledExactlyOnceWith(new Error('ENOTFOUND'), [])
  })
})
