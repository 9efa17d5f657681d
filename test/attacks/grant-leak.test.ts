import { Redis } from 'ioredis'
import { decodeJwt } from 'jose'
import {
  type Auth,
  createGrants,
  createMemoryGrantStore,
  createResourceServer,
  type GrantStore,
  type Grants,
  type LockStore,
} from 'portcullis'
import { clientSecretBasic, createOAuthClient } from 'portcullis/client'
import { createRedisGrantStore, createRedisLockStore } from 'portcullis/redis'
import { createFrozenClock, createTestIssuer, type FrozenClock, mergeFetch, type TestIssuer } from 'portcullis/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.js'

const api = 'https://api.example.com'
const resources = ['calendar', 'mail', 'files', 'chat', 'bank'].map((name) => `https://${name}.test/`)
const credential = clientSecretBasic({ clientId: 'test-client', clientSecret: 'test-secret' })

interface Caller {
  readonly auth: Auth
  readonly sub: string
  readonly iss: string
}

/** Two zones whose tokens differ in nothing but the issuer: the same names, the same key ids, the same clients. */
function setUpZones(clock: FrozenClock) {
  const zones = ['https://one.test', 'https://two.test'].map((issuer) =>
    createTestIssuer({ issuer, clock: clock.now, lifetimeSeconds: 600 }),
  ) as [TestIssuer, TestIssuer]
  const fetch = mergeFetch(...zones)
  const server = createResourceServer({
    resource: api,
    issuer: zones.map(({ issuer }) => issuer) as [string, string],
    fetch,
    clock: clock.now,
  })
  const callerOf = async (zone: TestIssuer, sub: string): Promise<Caller> => {
    const token = zone.mintToken({ sub, name: 'The Same Name' }, { lifetimeSeconds: 86_400 })
    return { auth: await server.verify(token), sub, iss: zone.issuer }
  }
  const clients = () =>
    zones.map(({ issuer }) =>
      createOAuthClient({ issuer, credential, fetch, clock: clock.now, retry: false, breaker: false }),
    )
  return { zones, clients, callerOf }
}

/** Numbers that look random, the same in every run (mulberry32). */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A downstream service that holds a token to its claims, and now and then wants another one. */
function downstream(rejects: () => boolean): typeof globalThis.fetch {
  return async (url, init) => {
    const token = new Headers(init?.headers).get('authorization')?.slice('Bearer '.length) ?? ''
    if (rejects()) return new Response('', { status: 401 })
    const { sub, iss, aud } = decodeJwt(token)
    return Response.json({ sub, iss, aud, url: String(url) })
  }
}

interface Crowd {
  readonly engines: readonly Grants[]
  readonly callers: readonly Caller[]
  readonly clock: FrozenClock
}

/** Thousands of requests of many callers in many orders; whoever gets what is not theirs fails the test. */
async function stampede({ engines, callers, clock }: Crowd, waves: number): Promise<number> {
  const random = createRandom(callers.length)
  const acquirers = engines.map((grants) => resources.map((resource) => grants.prepare([resource])))
  const several = engines.map((grants) => grants.prepare(resources.map((resource) => ({ resource, mode: 'lazy' }))))
  const leaks: string[] = []
  const check = (caller: Caller, resource: string, claims: Record<string, unknown>) => {
    const isOwn = claims['sub'] === caller.sub && claims['iss'] === caller.iss && claims['aud'] === resource
    if (!isOwn) leaks.push(`${caller.iss} ${caller.sub} got ${claims['iss']} ${claims['sub']} for ${claims['aud']}`)
  }
  const request = async () => {
    const caller = callers[random(callers.length)] as Caller
    const at = random(resources.length)
    const resource = resources[at] as string
    const engine = random(engines.length)
    if (random(3) > 0) {
      const { access } = (await acquirers[engine]?.[at]?.(caller.auth)) ?? {}
      return check(caller, resource, decodeJwt(access?.token(resource) ?? ''))
    }
    const { access } = (await several[engine]?.(caller.auth)) ?? {}
    const response = await access?.fetch(resource)('/')
    if (response?.status === 200) check(caller, resource, await response.json())
  }
  let requests = 0
  for (let wave = 0; wave < waves; wave += 1) {
    await Promise.all(Array.from({ length: 100 }, request))
    requests += 100
    clock.advance(20_000)
  }
  expect(leaks).toEqual([])
  return requests
}

async function crowd(clock: FrozenClock, store: () => GrantStore, lock?: () => LockStore) {
  const { zones, clients, callerOf } = setUpZones(clock)
  const random = createRandom(7)
  const fetch = downstream(() => random(40) === 0)
  const engine = () =>
    createGrants({ client: clients(), store: store(), clock: clock.now, fetch, ...(lock && { lock: lock() }) })
  const callers = await Promise.all(
    zones.flatMap((zone) => Array.from({ length: 25 }, (_, index) => callerOf(zone, `user-${index}`))),
  )
  return { zones, clock, callers, engines: [engine(), engine()] }
}

describe('fifty users, five services, two zones of the same names', () => {
  it('[D04] [D05] [D06] [TX-12] never meet in memory', async () => {
    const clock = createFrozenClock()
    const store = createMemoryGrantStore({ clock: clock.now })
    const everybody = await crowd(clock, () => store)
    expect(await stampede(everybody, 30)).toBe(3000)
    const exchanges = everybody.zones.map((zone) => zone.requestCount('token'))
    expect(Math.min(...exchanges)).toBeGreaterThan(125)
    expect(Math.max(...exchanges)).toBeLessThan(1000)
  })

  it('[D07] never meet in a store far too small for them', async () => {
    const clock = createFrozenClock()
    const store = createMemoryGrantStore({ clock: clock.now, maxEntries: 7 })
    await stampede(await crowd(clock, () => store), 6)
  })

  describe.runIf(hasRedis('users that share a Redis'))('that share a Redis', () => {
    let server: RedisServer
    let redis: Redis
    beforeAll(async () => {
      server = await startRedis()
      redis = new Redis({ host: '127.0.0.1', port: server.port })
    })
    afterAll(async () => {
      redis?.disconnect()
      await server?.stop()
    })

    it('[D04] [D05] [D07] [TX-12] never meet there, with two processes and a lock', async () => {
      const clock = createFrozenClock(Date.now())
      const keys = [{ id: 'k1', secret: new Uint8Array(32).fill(3) }]
      const options = { client: redis, timeoutMs: 20_000 }
      const everybody = await crowd(
        clock,
        () => createRedisGrantStore({ ...options, keys }),
        () => createRedisLockStore(options),
      )
      await stampede(everybody, 20)
    })
  })

  it('[D04] [JWT-06] keeps two tokens apart that differ in the issuer alone', async () => {
    const clock = createFrozenClock()
    const { zones, clients, callerOf } = setUpZones(clock)
    const [one, two] = zones
    expect(one.signingKey().kid).toBe(two.signingKey().kid)
    const grants = createGrants({ client: clients(), clock: clock.now })
    const tokensOf = async (zone: TestIssuer) => {
      const { auth } = await callerOf(zone, 'admin')
      const { access } = await grants.prepare(resources)(auth)
      return resources.map((resource) => decodeJwt(access.token(resource)))
    }
    for (let turn = 0; turn < 2; turn += 1) {
      for (const zone of zones) {
        for (const claims of await tokensOf(zone)) expect(claims).toMatchObject({ iss: zone.issuer, sub: 'admin' })
      }
    }
  })

  it('[D04] sends the token of one zone to no other zone', async () => {
    const clock = createFrozenClock()
    const { zones, clients, callerOf } = setUpZones(clock)
    const [first] = clients()
    const grants = createGrants({ client: first as NonNullable<typeof first>, clock: clock.now })
    const { auth } = await callerOf(zones[1], 'admin')
    const { failure } = await grants.prepare(resources.slice(0, 1))(auth)
    expect(failure?.code).toBe('ERR_CONFIGURATION')
    expect(zones.map((zone) => zone.requestCount('token'))).toEqual([0, 0])
  })
})
