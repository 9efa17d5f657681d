import { afterEach, describe, expect, it, vi } from 'vitest'
import { createResourceServer } from '../../src/index.js'
import { createDiscovery } from '../../src/issuer/discovery.js'
import { createRemoteKeys } from '../../src/issuer/remote-keys.js'
import { FetchFailure } from '../../src/kit/fetch/fetch-failure.js'
import { guardedFetch } from '../../src/kit/fetch/guarded-fetch.js'
import { fetchPublic } from '../../src/kit/fetch/network-node.js'
import type { Fetch } from '../../src/kit/fetch/platform-fetch.js'
import { platformFetch } from '../../src/kit/fetch/platform-fetch.js'
import { jwkSet } from '../support/key-material.js'
import { type LoopbackServer, listenOnLoopback } from '../support/loopback-server.js'
import { json } from '../support/simulated-issuer.js'

let server: LoopbackServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

function options(fetch: Fetch, trustedHostnames: readonly string[], insecureHosts = false) {
  return { fetch, headers: {}, timeoutMs: 60_000, maxBytes: 1000, insecureHosts, trustedHostnames }
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(FetchFailure)
  return (error as FetchFailure).reason
}

/** An authorization server at https://issuer.example whose metadata names `jwksUri`. */
function keySetWithDiscovered(jwksUri: string) {
  const asked: string[] = []
  const fetch: Fetch = async (url) => {
    asked.push(url)
    if (!url.includes('/.well-known/')) return json(jwkSet('a'))
    return json({ issuer: 'https://issuer.example', jwks_uri: jwksUri })
  }
  const surroundings = { fetch, clock: () => 0, onEvent: undefined, insecureHosts: false }
  const discovery = createDiscovery('https://issuer.example', surroundings)
  return { asked, keys: createRemoteKeys({ issuer: discovery.issuer, jwksUri: discovery, options: {}, surroundings }) }
}

const specialUse = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '192.0.0.192',
  '198.18.0.1',
  '203.0.113.9',
  '224.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[::127.0.0.1]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[2002:7f00:1::]',
  '[2001:db8::1]',
  '[64:ff9b::10.0.0.1]',
  '[ff02::1]',
  '[4000::1]',
]

const internalNames = [
  'localhost',
  'localhost.',
  'api.localhost',
  'printer.local',
  'metadata.google.internal',
  'nas.home.arpa',
  'metadata',
]

describe('a jwks_uri that discovery names', () => {
  it.each([...specialUse, ...internalNames])('[JWKS-08] [PRM-15] is not asked for at https://%s', async (host) => {
    const { asked, keys } = keySetWithDiscovered(`https://${host}/jwks`)
    await expect(keys.warmUp()).rejects.toMatchObject({ status: 503, detail: 'private_address' })
    expect(asked).toHaveLength(1)
  })

  it.each([
    'http://issuer.example/jwks',
    'https://user:secret@keys.example.com/jwks',
    'file:///etc/passwd',
    'data:application/json,{}',
    'jwks',
  ])('[JWKS-08] [ASM-08] [REAL-04] is refused, and its document not, when it is %s', async (jwksUri) => {
    const { asked, keys } = keySetWithDiscovered(jwksUri)
    const error = await keys.warmUp().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_KEYS_UNAVAILABLE', detail: 'jwks_uri_missing' })
    expect(asked).toHaveLength(1)
  })

  it.each([
    'https://issuer.example/jwks',
    'https://keys.example.com/jwks',
    'https://8.8.8.8/',
    'https://[2606:4700::1]/',
  ])('[JWKS-08] is asked for at %s', async (jwksUri) => {
    const { asked, keys } = keySetWithDiscovered(jwksUri)
    await keys.warmUp()
    expect(asked[1]).toBe(jwksUri)
  })
})

describe('an issuer of an internal network', () => {
  const issuer = 'https://10.0.0.5/realms/main'

  function keysOf(jwksUri: string, configured?: string) {
    const asked: string[] = []
    const fetch: Fetch = async (url) => {
      asked.push(url)
      return url.includes('/.well-known/') ? json({ issuer, jwks_uri: jwksUri }) : json(jwkSet('a'))
    }
    const surroundings = { fetch, clock: () => 0, onEvent: undefined, insecureHosts: false }
    const location = configured ?? createDiscovery(issuer, surroundings)
    return { asked, keys: createRemoteKeys({ issuer, jwksUri: location, options: {}, surroundings }) }
  }

  it('[JWKS-08] is asked for its metadata and its keys, for the configuration names it', async () => {
    const { asked, keys } = keysOf('https://10.0.0.5:8443/jwks')
    await keys.warmUp()
    expect(asked).toEqual([
      'https://10.0.0.5/.well-known/oauth-authorization-server/realms/main',
      'https://10.0.0.5:8443/jwks',
    ])
  })

  it('[JWKS-08] cannot send us to another internal host, and a configured jwksUri can', async () => {
    const named = keysOf('https://10.0.0.6/jwks')
    await expect(named.keys.warmUp()).rejects.toMatchObject({ status: 503, detail: 'private_address' })
    expect(named.asked).toHaveLength(1)
    const configured = keysOf('unused', 'https://10.0.0.6/jwks')
    await configured.keys.warmUp()
    expect(configured.asked).toEqual(['https://10.0.0.6/jwks'])
  })
})

describe('a development server named in the configuration', () => {
  const issuer = 'http://keycloak:8080/realms/main'

  function serverOf(dangerouslyAllowInsecureHosts: readonly string[] | undefined, jwksUri: string) {
    const asked: string[] = []
    const server = createResourceServer({
      resource: 'https://api.example.com',
      issuer,
      dangerouslyAllowInsecureHosts,
      fetch: async (url) => {
        asked.push(url)
        return url.includes('/.well-known/') ? json({ issuer, jwks_uri: jwksUri }) : json(jwkSet('a'))
      },
    })
    return { asked, server }
  }

  it('[REAL-41] is asked for metadata and keys over http', async () => {
    const { asked, server } = serverOf(['keycloak:8080', 'keys:9000'], 'http://keys:9000/jwks')
    await server.warmUp()
    expect(asked).toEqual([
      'http://keycloak:8080/.well-known/oauth-authorization-server/realms/main',
      'http://keys:9000/jwks',
    ])
  })

  it('[REAL-41] [JWKS-08] opens the way to no other host, by name, port or address', async () => {
    for (const jwksUri of [
      'http://keys:9000/jwks',
      'http://keycloak:9000/jwks',
      'https://keys:9000/',
      'https://10.0.0.1/',
    ]) {
      const { asked, server } = serverOf(['keycloak:8080'], jwksUri)
      await expect(server.warmUp(), jwksUri).rejects.toMatchObject({ code: 'ERR_KEYS_UNAVAILABLE' })
      expect(asked).toHaveLength(1)
    }
  })

  it('[REAL-41] is refused where it is not named, with what to write', () => {
    expect(() => serverOf(undefined, '')).toThrow("dangerouslyAllowInsecureHosts: ['keycloak:8080']")
    expect(() => serverOf([], '')).toThrow(/`dangerouslyAllowInsecureHosts` takes/)
    expect(() => serverOf(['http://keycloak:8080'], '')).toThrow(/without a scheme/)
  })
})

describe('a host that the configuration names', () => {
  it('[JWKS-08] may be internal', async () => {
    const answer = await guardedFetch(
      'https://10.1.2.3/jwks',
      options(async () => json({}), ['10.1.2.3']),
    )
    expect(answer).toMatchObject({ status: 200, mediaType: 'application/json', text: '{}' })
  })

  it.each([
    ['http://issuer.example/jwks', true],
    ['http://10.1.2.3/jwks', true],
    ['http://127.0.0.1/jwks', false],
    ['https://user@issuer.example/jwks', true],
    ['ftp://issuer.example/jwks', true],
    ['//issuer.example', true],
    ['', true],
  ])('[JWKS-08] [JWKS-01] is not asked at %s', async (url, insecureHosts) => {
    const fetch = vi.fn<Fetch>()
    const trusted = ['issuer.example', '10.1.2.3', '127.0.0.1']
    expect(await reasonOf(guardedFetch(url, options(fetch, trusted, insecureHosts)))).toBe('insecure_url')
    expect(fetch).not.toHaveBeenCalled()
  })

  it('may be a loopback host over http in development, named by whom ever', async () => {
    const fetch: Fetch = async () => json({})
    for (const host of ['localhost', 'as.localhost', '127.0.0.1', '127.9.9.9', '[::1]']) {
      expect((await guardedFetch(`http://${host}:8080/`, options(fetch, [], true))).status).toBe(200)
    }
  })
})

describe('a public name', () => {
  it('[JWKS-08] that leads to a loopback address reaches nobody, on Node with its own fetch', async () => {
    server = await listenOnLoopback((_, response) => response.end('secret'))
    const { port } = new URL(server.origin)
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal: new AbortController().signal } as const
    const error = await fetchPublic(`http://localhost:${port}/`, init).catch((thrown: unknown) => thrown)
    expect((error as Error).cause).toMatchObject({ reason: 'private_address' })
    expect(server.requests()).toBe(0)
  })

  it('[JWKS-08] is resolved and judged only where the platform fetches; an own fetch answers for itself', async () => {
    const own = vi.fn<Fetch>(async () => json({}))
    await guardedFetch('https://keys.example.com/jwks', options(own, []))
    expect(own).toHaveBeenCalledOnce()
    const platform = vi.spyOn(globalThis, 'fetch')
    // RFC 6761 §6.4: a name below "invalid" never resolves.
    expect(await reasonOf(guardedFetch('https://keys.invalid/jwks', options(platformFetch, [])))).toBe('network')
    expect(platform).not.toHaveBeenCalled()
    platform.mockRestore()
  })
})
