import { describe, expect, it } from 'vitest'
import { ConfigurationError, createKeySet, createResourceServer, type KeySetOptions } from '../../../src/index.js'
import { testKey } from '../../support/key-material.js'
import { json, type SimulatedIssuer, settle, simulatedIssuer } from '../../support/simulated-issuer.js'

const second = 1000
const hour = 3600 * second

function keySetOf(world: SimulatedIssuer, options: KeySetOptions = { jwksUri: world.jwksUri }) {
  const { fetch, clock, onEvent } = world.surroundings
  return createKeySet({ fetch, clock, onEvent, ...options })
}

/** What is published of a test key, without the members nobody needs. */
function published(kid: string) {
  const { use: _, ...jwk } = testKey(kid).jwk
  return jwk
}

describe('createKeySet', () => {
  it('shows its state to a listener that reads gauges', async () => {
    const world = simulatedIssuer('a')
    const read: Array<() => unknown> = []
    const listener = Object.assign(() => undefined, {
      trace: <T>(_: unknown, run: () => Promise<T>) => run(),
      watch: (reading: () => unknown) => void read.push(reading),
    })
    const keys = keySetOf(world, { jwksUri: world.jwksUri, onEvent: listener })
    expect(read.map((reading) => reading())).toMatchObject([[{ issuer: world.jwksUri, state: 'empty' }]])
    await keys.warmUp()
    expect(read.map((reading) => reading())).toMatchObject([[{ state: 'fresh' }]])
  })

  it('[S4-11] [S4-13] gives the keys of a name and all of them, as frozen public JWKs, from one fetch', async () => {
    const world = simulatedIssuer('a', 'b')
    const keys = keySetOf(world)
    const [[a, ...more], all] = await Promise.all([keys.get('a'), keys.all()])
    expect(a).toEqual(published('a'))
    expect(more).toEqual([])
    expect(Object.isFrozen(a)).toBe(true)
    expect(all).toEqual([published('a'), published('b')])
    expect(await keys.get('a', 'ES256')).toEqual([published('a')])
    expect(await keys.get('a', 'RS256')).toEqual([])
    expect(await keys.get(undefined, 'ES256')).toHaveLength(2)
    expect(world.requests.map(({ url }) => url).slice(0, 1)).toEqual([world.jwksUri])
  })

  it('[S4-11] asks again for a name it does not know, within the budget', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world)
    await keys.warmUp()
    world.publish('a', 'b')
    expect(await keys.get('b')).toEqual([published('b')])
    expect(await keys.get('c')).toEqual([])
    expect(await keys.get('c')).toEqual([])
    await expect(keys.get('c')).rejects.toMatchObject({ code: 'ERR_KEYS_UNAVAILABLE', retryAfterSeconds: 10 })
    expect(await keys.get('a')).toHaveLength(1)
  })

  it('[S4-10] [S4-12] [S4-14] tells its state and times, renews ahead, and forgets on demand', async () => {
    const world = simulatedIssuer('a')
    const keys = keySetOf(world, { jwksUri: world.jwksUri, keyCache: { defaultMaxAgeSeconds: 7200 } })
    expect(keys.health()).toEqual({
      state: 'empty',
      keys: 0,
      fetchedAtMs: undefined,
      refreshAtMs: undefined,
      expiresAtMs: undefined,
      staleUntilMs: undefined,
      lastFailure: undefined,
    })
    await keys.warmUp()
    const fetchedAtMs = world.nowMs
    const expiresAtMs = fetchedAtMs + 2 * hour
    const { refreshAtMs = 0, ...health } = keys.health()
    expect(health).toEqual({
      state: 'fresh',
      keys: 1,
      fetchedAtMs,
      expiresAtMs,
      staleUntilMs: expiresAtMs + hour,
      lastFailure: undefined,
    })
    expect(refreshAtMs - fetchedAtMs).toBeGreaterThanOrEqual((2 * hour - 300 * second) / 2)
    expect(expiresAtMs - refreshAtMs).toBeGreaterThanOrEqual(300 * second)
    keys.invalidate()
    expect(keys.health()).toMatchObject({ state: 'due', refreshAtMs: fetchedAtMs })
    expect(await keys.all()).toHaveLength(1)
    await settle()
    expect(world.requests).toHaveLength(2)
    expect(keys.health().state).toBe('fresh')
  })

  it('[S4-14] has the same times in the health of a resource server', async () => {
    const world = simulatedIssuer('a')
    const { issuer, jwksUri, surroundings } = world
    const { fetch, clock } = surroundings
    const server = createResourceServer({
      resource: 'https://api.example.com',
      issuer: { issuer, jwksUri },
      fetch,
      clock,
    })
    const keys = keySetOf(world)
    await Promise.all([server.warmUp(), keys.warmUp()])
    const { refreshAtMs, ...health } = keys.health()
    expect(server.health().issuers[issuer]).toMatchObject(health)
    expect(server.health().issuers[issuer]?.refreshAtMs).toBeGreaterThan(world.nowMs)
    expect(refreshAtMs).toBeGreaterThan(world.nowMs)
  })

  it('[S4-10] is found by discovery where only the issuer is given', async () => {
    const world = simulatedIssuer('a')
    const { answer } = world
    world.answer = (url, signal) =>
      url.includes('.well-known') ? json({ issuer: world.issuer, jwks_uri: world.jwksUri }) : answer(url, signal)
    expect(await keySetOf(world, { issuer: world.issuer }).all()).toEqual([published('a')])
    const { issuer } = world
    expect(world.events).toMatchObject([
      { type: 'discovery.refreshed', issuer, durationMs: expect.any(Number) },
      { type: 'keys.refreshed', issuer },
    ])
  })

  it('is an outage, and an event with its name, while the server is down', async () => {
    const world = simulatedIssuer('a')
    world.fail()
    await expect(keySetOf(world).all()).rejects.toMatchObject({ code: 'ERR_KEYS_UNAVAILABLE' })
    expect(world.events).toMatchObject([{ type: 'keys.failed', issuer: world.jwksUri, reason: 'status' }])
  })

  it('[REAL-41] reaches a development server that is named', async () => {
    const world = simulatedIssuer('a')
    const jwksUri = 'http://keycloak:8080/jwks'
    expect(() => keySetOf(world, { jwksUri })).toThrow(/dangerouslyAllowInsecureHosts/)
    expect(await keySetOf(world, { jwksUri, dangerouslyAllowInsecureHosts: ['keycloak:8080'] }).all()).toHaveLength(1)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['neither issuer nor jwksUri', {}],
    ['an unknown option', { jwksUri: 'https://a.test/jwks', ttl: 5 }],
    ['a jwksUri over http', { jwksUri: 'http://a.test/jwks' }],
    ['an issuer with a query', { issuer: 'https://a.test?x' }],
    ['a lifetime below a minute', { jwksUri: 'https://a.test/jwks', keyCache: { defaultMaxAgeSeconds: 59 } }],
    ['a lifetime above a day', { jwksUri: 'https://a.test/jwks', keyCache: { defaultMaxAgeSeconds: 86_401 } }],
  ])('refuses %s', (_, options) => {
    expect(() => createKeySet(options as KeySetOptions)).toThrow(ConfigurationError)
  })

  it.each<[unknown, string]>([
    [undefined, 'createKeySet must be an object.'],
    [{ jwksUri: 'https://a.test/jwks', ttl: 5 }, 'createKeySet has no option `ttl`.'],
    [{}, 'createKeySet needs `issuer` or `jwksUri`.'],
    [{ jwksUri: 'a.test' }, '`jwksUri` takes an absolute https URL'],
    [{ issuer: 'https://a.test?x', jwksUri: 'https://a.test/jwks' }, '`issuer` must have no query'],
    [{ jwksUri: 'https://a.test/jwks', keyCache: { timeoutMs: 0 } }, '`keyCache.timeoutMs` takes'],
    [
      { jwksUri: 'https://a.test/jwks', keyCache: { staleIfErrorSeconds: 3601 } },
      '`keyCache.staleIfErrorSeconds` takes',
    ],
    [{ jwksUri: 'https://a.test/jwks', keyCache: { refreshAheadSeconds: -1 } }, '`keyCache.refreshAheadSeconds` takes'],
  ])('says what is wrong with %j', (options, message) => {
    expect(() => createKeySet(options as KeySetOptions)).toThrow(message)
  })
})
