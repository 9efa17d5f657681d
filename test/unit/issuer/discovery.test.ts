import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ConfigurationError, UnavailableError } from '../../../src/errors/index.js'
import {
  createDiscovery,
  type Discovery,
  discoveryUrls,
  isNothingThere,
  reasonOf,
} from '../../../src/issuer/discovery.js'
import { createRemoteKeys } from '../../../src/issuer/remote-keys.js'
import { FetchFailure } from '../../../src/kit/fetch/fetch-failure.js'
import { jwkSet } from '../../support/key-material.js'
import { json, type SimulatedIssuer, settle, simulatedIssuer } from '../../support/simulated-issuer.js'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const issuer = 'https://issuer.example'
const document = { issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` }

function publishing(body: unknown, headers: Record<string, string> = {}): SimulatedIssuer {
  const world = simulatedIssuer()
  world.answer = () => json(body, headers)
  return world
}

function discoveryOf(world: SimulatedIssuer, of = issuer): Discovery {
  return createDiscovery(of, world.surroundings, { random: () => 0 })
}

async function failure(work: Promise<unknown>): Promise<UnavailableError> {
  const error = await work.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UnavailableError)
  expect(error).toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE', status: 503 })
  return error as UnavailableError
}

describe('discoveryUrls', () => {
  it('[ASM-02] [ASM-03] [ASM-04] [V-11] are two for an issuer without path', () => {
    for (const plain of ['https://example.com', 'https://example.com/']) {
      expect(discoveryUrls(plain)).toEqual([
        'https://example.com/.well-known/oauth-authorization-server',
        'https://example.com/.well-known/openid-configuration',
      ])
    }
  })

  it('[ASM-02] [ASM-03] [ASM-04] [V-11] [C-19] are three for an issuer with path, with or without a last slash', () => {
    for (const path of ['https://example.com/issuer1', 'https://example.com/issuer1/']) {
      expect(discoveryUrls(path)).toEqual([
        'https://example.com/.well-known/oauth-authorization-server/issuer1',
        'https://example.com/.well-known/openid-configuration/issuer1',
        'https://example.com/issuer1/.well-known/openid-configuration',
      ])
    }
  })

  it('[ASM-02] keep the port and every segment of the path', () => {
    expect(discoveryUrls('https://example.com:8443/a/b')[0]).toBe(
      'https://example.com:8443/.well-known/oauth-authorization-server/a/b',
    )
  })
})

describe('createDiscovery', () => {
  it.each([
    'http://issuer.example',
    'issuer.example',
    '',
    'https://a.example/?x',
    'https://a.example/#x',
    'https://u@a.example',
  ])('[ASM-01] refuses the issuer %j', (bad) => {
    expect(() => discoveryOf(simulatedIssuer(), bad)).toThrow(ConfigurationError)
    expect(() => discoveryOf(simulatedIssuer(), bad)).toThrow(/^`issuer` /)
  })

  it('takes an http issuer on loopback where that is allowed', () => {
    const { surroundings } = simulatedIssuer()
    expect(() => createDiscovery('http://127.0.0.1:1', surroundings)).toThrow(ConfigurationError)
    const discovery = createDiscovery('http://127.0.0.1:1', { ...surroundings, insecureHosts: true })
    expect(discovery.issuer).toBe('http://127.0.0.1:1')
  })
})

describe('the candidates', () => {
  const path = 'https://issuer.example/tenant'
  const urls = discoveryUrls(path)

  it.each<[string, () => Response]>([
    ['a 404', () => new Response('', { status: 404 })],
    ['a 401', () => new Response('', { status: 401 })],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['JSON of another media type', () => new Response('{}', { headers: { 'content-type': 'text/plain' } })],
    ['no JSON', () => new Response('{', { headers: { 'content-type': 'application/json' } })],
    ['no JSON object', () => json([])],
    ['no text', () => new Response(Uint8Array.of(0xff), { headers: { 'content-type': 'application/json' } })],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://issuer.example/login' } })],
  ])('[ASM-04] are tried in order after %s', async (_, nothingHere) => {
    const world = simulatedIssuer()
    world.answer = (url) => (url === urls[2] ? json({ ...document, issuer: path }) : nothingHere())
    expect((await discoveryOf(world, path).metadata()).issuer).toBe(path)
    expect(world.requests.map(({ url }) => url)).toEqual(urls)
  })

  it.each<[string, () => Response]>([
    ['media_type', () => new Response('{}', { headers: { 'content-type': 'text/plain' } })],
    ['malformed', () => json([])],
    ['not_utf8', () => new Response(Uint8Array.of(0xff), { headers: { 'content-type': 'application/json' } })],
    ['redirect', () => new Response(null, { status: 302, headers: { location: 'https://issuer.example/login' } })],
  ])('[C-17] are an outage where none has anything but %s', async (reason, answer) => {
    const world = simulatedIssuer()
    world.answer = answer
    expect((await failure(discoveryOf(world, path).metadata())).detail).toBe(reason)
    expect(world.requests).toHaveLength(3)
  })

  it.each<[string, string, () => Response | Promise<Response>]>([
    ['a 500', 'status', () => new Response('', { status: 500 })],
    ['a 429', 'status', () => new Response('', { status: 429 })],
    ['a 204', 'status', () => new Response(null, { status: 204 })],
    ['a broken connection', 'network', () => Promise.reject(new TypeError('fetch failed'))],
    ['too long an answer', 'too_large', () => json({ issuer: path, junk: 'x'.repeat(256 * 1024) })],
    ['another issuer', 'issuer_mismatch', () => json({ ...document, issuer: 'https://honest.example' })],
  ])('[ASM-04] [ASM-05] [ASM-09] are given up after %s', async (_, reason, answer) => {
    const world = simulatedIssuer()
    world.answer = answer
    expect((await failure(discoveryOf(world, path).metadata())).detail).toBe(reason)
    expect(world.requests).toHaveLength(1)
    const about = { stale: false, durationMs: expect.any(Number), retryInMs: expect.any(Number) }
    expect(world.events).toEqual([{ type: 'discovery.failed', issuer: path, reason, ...about }])
  })

  it('[C-17] are an outage when none has anything', async () => {
    const world = simulatedIssuer()
    world.answer = () => new Response('', { status: 404 })
    expect((await failure(discoveryOf(world, path).metadata())).detail).toBe('status')
    expect(world.requests).toHaveLength(3)
  })
})

describe('the issuer in the document', () => {
  it.each([`${issuer}/`, 'https://ISSUER.example', 'https://attacker.example', '', undefined, [issuer]])(
    '[ASM-05] [V-11] [C-19] is refused when it is %j',
    async (other) => {
      const world = publishing({ ...document, issuer: other })
      expect((await failure(discoveryOf(world).metadata())).detail).toBe('issuer_mismatch')
    },
  )
})

describe('the metadata', () => {
  it('[ASM-06] [ASM-10] is read once for all who ask at the same time', async () => {
    const world = publishing(document)
    world.latencyMs = 100
    const discovery = discoveryOf(world)
    const asked = Promise.all(Array.from({ length: 100 }, () => discovery.metadata()))
    await world.advance(100)
    const [first, ...others] = await asked
    expect(first).toMatchObject(document)
    for (const other of others) expect(other).toBe(first)
    expect(world.requests).toHaveLength(1)
  })

  it.each([
    ['10 minutes at least', 'max-age=1', 10 * minute],
    ['24 hours at most', 'max-age=99999999', 24 * hour],
    ['what the answer says', 'max-age=7200', 2 * hour],
  ])('[ASM-09] is kept for %s', async (_, cacheControl, lifetimeMs) => {
    const world = publishing(document, { 'cache-control': cacheControl })
    const discovery = discoveryOf(world)
    await discovery.metadata()
    await world.advance(lifetimeMs - 5 * minute - 1)
    await discovery.metadata()
    expect(world.requests).toHaveLength(1)
    await world.advance(1)
    await discovery.metadata()
    await settle()
    expect(world.requests).toHaveLength(2)
  })

  it('[ASM-09] goes on serving while fetching it fails, for a day past its time', async () => {
    const world = publishing(document)
    const discovery = discoveryOf(world)
    await discovery.metadata()
    world.fail()
    await world.advance(hour + minute)
    expect(await discovery.metadata()).toMatchObject(document)
    await world.advance(23 * hour)
    expect(await discovery.metadata()).toMatchObject(document)
    await world.advance(hour)
    await failure(discovery.metadata())
  })

  it('that failed is not remembered as failed, and not asked for again at once', async () => {
    const world = simulatedIssuer()
    world.fail()
    const discovery = discoveryOf(world)
    await failure(discovery.metadata())
    const { retryAfterSeconds } = await failure(discovery.metadata())
    expect(retryAfterSeconds).toBe(1)
    expect(world.requests).toHaveLength(1)
    world.answer = () => json(document)
    await world.advance(second)
    expect(await discovery.metadata()).toMatchObject(document)
  })

  it('is fetched anew after invalidate, the known one serving meanwhile', async () => {
    const world = publishing(document)
    const discovery = discoveryOf(world)
    await discovery.metadata()
    world.answer = () => json({ ...document, jwks_uri: `${issuer}/new` })
    discovery.invalidate()
    expect(await discovery.metadata()).toMatchObject(document)
    await settle()
    expect(await discovery.metadata()).toMatchObject({ jwks_uri: `${issuer}/new` })
  })
})

describe('keys by discovery', () => {
  function worldOf(metadata: () => Response, jwksPath = '/jwks') {
    const world = simulatedIssuer()
    world.answer = (url) => {
      if (url.includes('.well-known')) return metadata()
      return url.endsWith(jwksPath) ? json(jwkSet('a')) : new Response('', { status: 404 })
    }
    const discovery = discoveryOf(world)
    const { surroundings } = world
    const keys = createRemoteKeys({ issuer, jwksUri: discovery, options: {}, surroundings, random: () => 0 })
    return { world, keys }
  }

  it('[JWKS-01] [ASM-10] are fetched from the jwks_uri of the document', async () => {
    const { world, keys } = worldOf(() => json(document))
    expect(await keys.find('a', 'ES256')).toHaveLength(1)
    expect(world.requests.map(({ url }) => url)).toEqual([
      'https://issuer.example/.well-known/oauth-authorization-server',
      'https://issuer.example/jwks',
    ])
  })

  it('[C-17] are an outage of discovery while it fails, with its own time to retry', async () => {
    const { world, keys } = worldOf(() => new Response('', { status: 503 }))
    const finds = [keys.find('a', 'ES256'), keys.find('a', 'ES256')]
    for (const found of finds) await failure(Promise.resolve(found))
    expect((await failure(Promise.resolve(keys.find('a', 'ES256')))).retryAfterSeconds).toBe(1)
    expect(keys.health().lastFailure).toBe('status')
    expect(world.requests).toHaveLength(1)
  })

  it('are looked for anew, document and all, after invalidate', async () => {
    const { world, keys } = worldOf(() => json(document))
    await keys.warmUp()
    keys.invalidate()
    await keys.warmUp()
    await settle()
    expect(world.requests).toHaveLength(4)
  })

  it('are an outage when the document has no jwks_uri', async () => {
    const { keys } = worldOf(() => json({ issuer }))
    await expect(keys.warmUp()).rejects.toMatchObject({ code: 'ERR_KEYS_UNAVAILABLE', detail: 'jwks_uri_missing' })
  })

  const lasting = { 'cache-control': 'max-age=86400' }
  const movedAnswers: [string, () => Response][] = [
    ['gone', () => new Response('', { status: 404 })],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: `${issuer}/new` } })],
    ['a page', () => new Response('<html>')],
    ['another document', () => json({})],
  ]

  it.each(movedAnswers)('[ASM-10] are found again when they moved, and %s is at the old place', async (_, oldPlace) => {
    const { world, keys } = worldOf(() => json({ ...document, jwks_uri: `${issuer}/old` }, lasting), '/old')
    await keys.warmUp()
    world.answer = (url) => {
      if (url.includes('.well-known')) return json({ ...document, jwks_uri: `${issuer}/new` }, lasting)
      return url.endsWith('/new') ? json(jwkSet('b')) : oldPlace()
    }
    await world.advance(hour - 4 * minute)
    keys.isServing(world.nowMs)
    for (let attempt = 0; attempt < 3; attempt++) {
      await world.advance(5 * second)
      keys.isServing(world.nowMs)
    }
    await settle()
    expect(world.requests.at(-1)?.url).toBe(`${issuer}/new`)
    expect(await keys.find('b', 'ES256')).toHaveLength(1)
    expect(keys.health().lastFailure).toBeUndefined()
  })

  it('[ASM-10] are fetched from where newer metadata says, though the old place still answers', async () => {
    const { world, keys } = worldOf(() => json({ ...document, jwks_uri: `${issuer}/old` }), '/old')
    await keys.warmUp()
    world.answer = (url) => {
      if (url.includes('.well-known')) return json({ ...document, jwks_uri: `${issuer}/new` })
      return json(jwkSet(url.endsWith('/new') ? 'b' : 'a'))
    }
    await world.advance(hour)
    expect(await keys.find('b', 'ES256')).toHaveLength(1)
    expect(await keys.find('a', 'ES256')).toEqual([])
    expect(world.requests.at(-1)?.url).toBe(`${issuer}/new`)
  })

  it('[REAL-04] are not held up by members that are wrong and not used', async () => {
    const deep = JSON.parse(`${'['.repeat(200)}1${']'.repeat(200)}`)
    const odd = {
      ...document,
      token_endpoint: 'http://issuer.example/token',
      registration_endpoint: 7,
      introspection_endpoint: {},
      mtls_endpoint_aliases: 'none',
      require_signed_request_object: 'true',
      service_documentation: 'ftp://docs',
      deep,
    }
    const { keys } = worldOf(() => json(odd))
    expect(await keys.find('a', 'ES256')).toHaveLength(1)
  })
})

describe('a metadata server that hangs', () => {
  it('[REAL-08] keeps nobody waiting longer than 500 ms while known metadata may serve', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const world = publishing(document)
    const discovery = discoveryOf(world)
    await discovery.metadata()
    await world.advance(2 * hour)
    world.answer = () => new Promise(() => {})
    const metadata = discovery.metadata()
    await settle()
    vi.advanceTimersByTime(500)
    expect(await metadata).toMatchObject(document)
    vi.useRealTimers()
  })
})

describe('a discovery that fails', () => {
  it('[REAL-44] tells how long it took, and never less than no time', async () => {
    const moments = [7000, 7250, 9000, 8000]
    const watch = vi.spyOn(performance, 'now').mockImplementation(() => moments.shift() ?? 0)
    onTestFinished(() => watch.mockRestore())
    for (const durationMs of [250, 0]) {
      const world = simulatedIssuer()
      world.fail()
      await failure(discoveryOf(world).metadata())
      expect(world.events).toMatchObject([{ type: 'discovery.failed', durationMs }])
    }
  })

  it('waits for as long as who asks says, who is told whether there was metadata before', async () => {
    const told: boolean[] = []
    const world = simulatedIssuer()
    const retryAfterMs = (isKnown: boolean) => {
      told.push(isKnown)
      return 7000
    }
    const discovery = createDiscovery(issuer, world.surroundings, { retryAfterMs, random: () => 0 })
    world.fail()
    expect((await failure(discovery.metadata())).retryAfterSeconds).toBe(7)
    world.answer = () => json(document)
    await world.advance(6999)
    await failure(discovery.metadata())
    await world.advance(1)
    await discovery.metadata()
    world.fail()
    discovery.invalidate()
    await discovery.metadata()
    await settle()
    expect(told).toEqual([false, true])
  })

  it('[REAL-08] is an outage where what was known passes its bound while somebody waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const world = publishing(document)
    const discovery = discoveryOf(world)
    await discovery.metadata()
    await world.advance(25 * hour - 100)
    world.answer = () => new Promise(() => {})
    const outage = failure(discovery.metadata())
    await settle()
    world.nowMs += 200
    vi.advanceTimersByTime(500)
    expect((await outage).detail).toBe('unexpected')
  })
})

describe('isNothingThere', () => {
  it.each([
    [200, false],
    [399, false],
    [400, true],
    [404, true],
    [429, false],
    [499, true],
    [500, false],
  ])('[ASM-04] says of the status %s: %s', (status, isAbsent) => {
    expect(isNothingThere(status)).toBe(isAbsent)
  })
})

describe('reasonOf', () => {
  it('[REAL-44] names known failures, and says nothing of unknown ones', () => {
    expect(reasonOf(new FetchFailure('timeout'))).toBe('timeout')
    expect(reasonOf(new UnavailableError('ERR_ISSUER_UNAVAILABLE', { detail: 'status' }))).toBe('status')
    expect(reasonOf(new UnavailableError('ERR_ISSUER_UNAVAILABLE', { detail: 'with a secret' }))).toBe('unexpected')
    expect(reasonOf(new ConfigurationError('text'))).toBe('unexpected')
    expect(reasonOf(new Error('with a secret'))).toBe('unexpected')
    expect(reasonOf(undefined)).toBe('unexpected')
  })
})

describe('where metadata is looked for', () => {
  it('[ASM-02] [ASM-03] [ASM-04] [V-11] [S0-58] inserts, then appends', () => {
    expect(discoveryUrls('https://example.com', 'auto')).toEqual([
      `https://example.com/.well-known/oauth-authorization-server`,
      `https://example.com/.well-known/openid-configuration`,
    ])
    const issuer1 = [
      `https://example.com/.well-known/oauth-authorization-server/issuer1`,
      `https://example.com/.well-known/openid-configuration/issuer1`,
      `https://example.com/issuer1/.well-known/openid-configuration`,
    ]
    expect(discoveryUrls('https://example.com/issuer1', 'auto')).toEqual(issuer1)
    expect(discoveryUrls('https://example.com/issuer1/', 'auto')).toEqual(issuer1)
    expect(discoveryUrls('https://example.com/issuer1', 'oauth2')).toEqual(issuer1.slice(0, 1))
    expect(discoveryUrls('https://example.com/issuer1', 'oidc')).toEqual(issuer1.slice(2))
  })
})
