import { Redis } from 'ioredis'
import { createResourceServer, type PortcullisEvent } from 'portcullis'
import { portcullis } from 'portcullis/fetch'
import { createUserTokens } from 'portcullis/login'
import {
  createRedisLockStore,
  createRedisReplayStore,
  createRedisRevocationStore,
  createRedisTokenStore,
} from 'portcullis/redis'
import { createDpopClient, createTestIssuer } from 'portcullis/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.js'
import { rotatingServer } from '../support/rotating-server.js'
import { serveFetch } from '../support/serve-fetch.js'
import { expectComeAgain, type Seen, see } from './api.js'
import { startTcpProxy } from './tcp-proxy.js'

const timeoutMs = 200
const url = 'https://api.example.com/'

async function ownRedis(...configuration: string[]): Promise<RedisServer> {
  const redis = await startRedis(configuration)
  onTestFinished(() => redis.stop())
  return redis
}

/** An API that keeps used proofs, revocations and the tokens of its user in Redis, by one address that may lead elsewhere. */
async function apiOnRedis(redisPort: number) {
  const proxy = await startTcpProxy(redisPort)
  const redis = new Redis({ port: proxy.port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: 1 })
  redis.on('error', () => {})
  const connection = { client: redis, timeoutMs }
  const issuer = createTestIssuer()
  const client = createDpopClient()
  const events: PortcullisEvent[] = []
  const server = createResourceServer({
    resource: 'https://api.example.com',
    issuer: issuer.issuer,
    fetch: issuer.fetch,
    dpop: { replayStore: createRedisReplayStore(connection) },
    revocationStore: createRedisRevocationStore(connection),
    onEvent: (event) => void events.push(event),
  })
  let aheadMs = 0
  const clock = () => Date.now() + aheadMs
  const authorization = rotatingServer({ clock })
  const secret = new Uint8Array(32).fill(1)
  const openTokens = () =>
    createUserTokens({
      provider: authorization.provider,
      store: createRedisTokenStore({ ...connection, keys: [{ id: 'k', secret }], nameSecret: secret }),
      lock: createRedisLockStore(connection),
      key: 'user',
      clock,
    })
  const tokens = openTokens()
  await tokens.set(authorization.signIn())
  const gate = portcullis(server)
  const guarded = gate.withAuth({}, () => Response.json({}))
  const withTokens = portcullis(
    createResourceServer({ resource: 'https://api.example.com', issuer: issuer.issuer, fetch: issuer.fetch }),
  ).withAuth({}, async () => Response.json({ subject: (await tokens.getToken()).accessToken.split(':')[0] }))
  const api = await serveFetch((request) =>
    request.url.endsWith('/tokens') ? withTokens(request) : guarded(new Request(url, request)),
  )
  onTestFinished(async () => {
    redis.disconnect()
    await api.close()
    await proxy.close()
    await issuer.close()
  })
  const bound = issuer.mintToken({ cnf: { jkt: client.jkt } })
  return {
    ...{ proxy, server, events, authorization, openTokens },
    passTime: (ms: number) => {
      aheadMs += ms
    },
    proof: () => client.headers({ url, accessToken: bound }),
    prove: (headers = client.headers({ url, accessToken: bound })): Promise<Seen> => see(api.origin, headers),
    bearer: (): Promise<Seen> => see(api.origin, { authorization: `Bearer ${issuer.mintToken()}` }),
    withTokens: (): Promise<Seen> => see(`${api.origin}/tokens`, { authorization: `Bearer ${issuer.mintToken()}` }),
    reasons: () => events.flatMap((event) => (event.type === 'store.failed' ? [`${event.store} ${event.reason}`] : [])),
  }
}

describe('Redis', () => {
  it.each([
    ['accepts connections and never answers', { kind: 'half-open' } as const],
    ['resets connections', { kind: 'reset' } as const],
    ['is slower than the time limit', { kind: 'slow', delayMs: 3 * timeoutMs } as const],
  ])('that %s means 503 with Retry-After for proofs and revocations, in time', async (_, fault) => {
    const { proxy, prove, bearer, reasons } = await apiOnRedis((await ownRedis()).port)
    expect([(await prove()).status, (await bearer()).status]).toEqual([200, 200])
    proxy.fault = fault
    if (fault.kind === 'half-open') proxy.breakAll()
    expectComeAgain(await prove())
    expectComeAgain(await bearer())
    expect(reasons().length).toBeGreaterThanOrEqual(2)
    proxy.fault = { kind: 'none' }
    // A connection that was never answered hangs for ever, until the client or the network gives it up.
    proxy.breakAll()
    await expect.poll(async () => (await prove()).status, { timeout: 5000 }).toBe(200)
  })

  it('that is away is not noticed by a user whose token is good, and means 503 with Retry-After for one whose token is over', async () => {
    const { proxy, withTokens, passTime, authorization } = await apiOnRedis((await ownRedis()).port)
    expect((await withTokens()).status).toBe(200)
    proxy.fault = { kind: 'half-open' }
    proxy.breakAll()
    expect((await withTokens()).status).toBe(200)
    passTime(101_000)
    expectComeAgain(await withTokens(), 6000)
    expect([authorization.redemptions, authorization.reuses]).toEqual([0, 0])
  })

  it('whose replica is promoted while requests run means 503 at most, then 200, and no proof passes twice', async () => {
    const main = await ownRedis()
    const replica = await ownRedis(`replicaof 127.0.0.1 ${main.port}`)
    const admin = new Redis({ port: replica.port, host: '127.0.0.1' })
    onTestFinished(() => admin.disconnect())
    const { proxy, prove, proof, withTokens, passTime, authorization, openTokens } = await apiOnRedis(main.port)
    await expect.poll(() => admin.info('replication'), { timeout: 10_000 }).toContain('master_link_status:up')
    const used = proof()
    expect((await prove(used)).status).toBe(200)
    passTime(101_000)
    const seen: Promise<Seen>[] = []
    const running = setInterval(() => seen.push(prove(), withTokens()), 10)
    onTestFinished(() => clearInterval(running))
    await expect.poll(() => seen.length).toBeGreaterThan(20)
    await main.stop()
    await expect.poll(() => seen.length).toBeGreaterThan(60)
    await admin.call('REPLICAOF', 'NO', 'ONE')
    proxy.redirect(replica.port)
    await expect.poll(async () => (await prove()).status, { timeout: 5000 }).toBe(200)
    clearInterval(running)
    const statuses = (await Promise.all(seen)).map(({ status }) => status)
    expect([...new Set(statuses)].sort()).toEqual([200, 503])
    expect((await prove(used)).status).toBe(401)
    // The replica may know of a lease whose holder never heard that it has it.
    await expect.poll(async () => (await withTokens()).status, { timeout: 45_000 }).toBe(200)
    expect((await openTokens().getToken()).accessToken).toMatch(/^alice:/)
    expect([authorization.redemptions, authorization.reuses]).toEqual([1, 0])
  }, 90_000)
})
