import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Cluster, Redis } from 'ioredis'
import {
  createRedisGrantStore,
  createRedisLockStore,
  createRedisReplayStore,
  createRedisRevocationStore,
  type RedisClient,
} from 'portcullis/redis'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bundledScript } from '../support/bundled-script.js'
import { freePort } from '../support/loopback-server.js'
import { hasRedis, type RedisServer, startRedis, startSentinel } from '../support/redis.js'
import {
  describeGrantStore,
  describeLockStore,
  describeReplayStore,
  describeRevocationStore,
} from './store-contract.js'

/** Of one answer: a busy machine takes its time. */
const timeoutMs = 20_000

interface ConnectedClient {
  readonly client: RedisClient
  close(): unknown
}

let single: RedisServer
let cluster: RedisServer
let sentinel: RedisServer

const url = (server: RedisServer) => `redis://127.0.0.1:${server.port}`
const node = (server: RedisServer) => ({ host: '127.0.0.1', port: server.port })

async function connected<T extends { connect(): Promise<unknown>; on(event: 'error', listener: () => void): unknown }>(
  client: T,
): Promise<T> {
  client.on('error', () => undefined)
  await client.connect()
  return client
}

const clients: Record<string, () => Promise<ConnectedClient>> = {
  async ioredis() {
    const client = new Redis(node(single))
    return { client, close: () => client.disconnect() }
  },
  async 'an ioredis cluster'() {
    const client = new Cluster([node(cluster)])
    return { client, close: () => client.disconnect() }
  },
  async 'an ioredis sentinel connection'() {
    const client = new Redis({ sentinels: [node(sentinel)], name: 'main' })
    return { client, close: () => client.disconnect() }
  },
  async 'node-redis'() {
    const client = await connected(createClient({ url: url(single) }))
    return { client, close: () => client.destroy() }
  },
  async 'a node-redis pool'() {
    const client = await connected(createClientPool({ url: url(single) }))
    return { client, close: () => client.destroy() }
  },
  async 'a node-redis cluster'() {
    const client = await connected(createCluster({ rootNodes: [{ url: url(cluster) }] }))
    return { client, close: () => client.destroy() }
  },
  async 'a node-redis sentinel'() {
    const client = await connected(createSentinel({ name: 'main', sentinelRootNodes: [node(sentinel)] }))
    return { client, close: () => client.destroy() }
  },
}

async function startCluster(): Promise<RedisServer> {
  const server = await startRedis([
    'cluster-enabled yes',
    `cluster-port ${await freePort()}`,
    'cluster-announce-ip 127.0.0.1',
  ])
  const client = new Redis(node(server))
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  const state = async () => expect(await client.call('CLUSTER', 'INFO')).toContain('cluster_state:ok')
  await vi.waitFor(state, { timeout: 30_000 })
  client.disconnect()
  return server
}

/** Takes `ms` from the lifetime of every key: the only clock of a Redis that a test can turn. */
async function age(server: RedisServer, ms: number): Promise<void> {
  const client = new Redis(node(server))
  for (const key of await client.keys('*')) {
    const left = await client.pttl(key)
    await client.pexpire(key, left - ms)
  }
  client.disconnect()
}

describe.runIf(hasRedis('the Redis stores'))('the Redis stores', () => {
  beforeAll(async () => {
    single = await startRedis()
    cluster = await startCluster()
    sentinel = await startSentinel(single.port)
  })

  afterAll(async () => {
    await Promise.all([sentinel?.stop(), cluster?.stop(), single?.stop()])
  })

  describe.each(Object.keys(clients))('%s', (name) => {
    let connection: ConnectedClient

    beforeAll(async () => {
      connection = await (clients[name] as () => Promise<ConnectedClient>)()
    })

    afterAll(async () => {
      await connection?.close()
    })

    const pass = (ms: number) => age(name.includes('cluster') ? cluster : single, ms)
    describeReplayStore(name, () => ({
      store: createRedisReplayStore({ client: connection.client, timeoutMs }),
      pass,
    }))
    describeRevocationStore(name, () => ({
      store: createRedisRevocationStore({ client: connection.client, timeoutMs }),
      pass,
    }))
    const keys = [{ id: 'k1', secret: new Uint8Array(32).fill(1) }]
    describeGrantStore(name, () => ({
      store: createRedisGrantStore({ client: connection.client, keys, timeoutMs }),
      pass,
    }))
    describeLockStore(name, () => ({
      store: createRedisLockStore({ client: connection.client, timeoutMs }),
      pass,
    }))
  })

  it('[DPOP-15] [C-10] gives one key one winner among 1,000 reservations of four processes', async () => {
    const key = randomUUID()
    const script = await bundledScript('support/reserve-many')
    const children = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, [script, String(single.port), key, '250'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const output = child.stdout.setEncoding('utf8')
      return { child, output }
    })
    await Promise.all(children.map(({ output }) => once(output, 'data')))
    const results = children.map(({ output }) => once(output, 'data'))
    for (const { child } of children) child.stdin.end('go\n')
    const lines = (await Promise.all(results)).map(([line]) => String(line).trim())
    await Promise.all(children.map(({ child }) => child.exitCode ?? once(child, 'exit')))
    expect(lines.sort()).toEqual(['won 0 of 250', 'won 0 of 250', 'won 0 of 250', 'won 1 of 250'])
  })

  it('keeps the latest of the revocations that several connections write at once', async () => {
    const kinds = ['ioredis', 'node-redis', 'ioredis', 'node-redis', 'ioredis']
    const writers = await Promise.all(kinds.map((kind) => (clients[kind] as () => Promise<ConnectedClient>)()))
    const stores = writers.map(({ client }) => createRedisRevocationStore({ client, timeoutMs }))
    const keys = Array.from({ length: 50 }, () => randomUUID())
    await Promise.all(
      keys.flatMap((key, round) =>
        stores.map((store, index) => store.revoke(key, 1000 + ((index + round) % 5), 60_000)),
      ),
    )
    expect(await stores[0]?.revokedAt(keys)).toEqual(keys.map(() => 1004))
    await Promise.all(writers.map(({ close }) => close()))
  })

  it('[C-10] puts a prefix before every key, and a lifetime on every entry', async () => {
    const client = new Redis(node(single))
    await createRedisReplayStore({ client, timeoutMs }).reserve('default', 60_000)
    await createRedisReplayStore({ client, timeoutMs, prefix: 'own:' }).reserve('given', 60_000)
    await createRedisRevocationStore({ client, timeoutMs }).revoke('default', 1, 60_000)
    await createRedisRevocationStore({ client, timeoutMs, prefix: 'own:' }).revoke('revoked', 1, 60_000)
    for (const key of ['portcullis:replay:default', 'own:given', 'portcullis:revoked:default', 'own:revoked']) {
      const left = await client.pttl(key)
      expect(left, key).toBeGreaterThan(0)
      expect(left, key).toBeLessThanOrEqual(60_000)
    }
    client.disconnect()
  })

  it.each(['ioredis', 'node-redis'])('[C-10] [C-17] rejects in time when Redis hangs, with %s', async (name) => {
    const { client, close } = await (clients[name] as () => Promise<ConnectedClient>)()
    const store = createRedisReplayStore({ client, timeoutMs: 100 })
    const revocations = createRedisRevocationStore({ client, timeoutMs: 100 })
    expect(await createRedisReplayStore({ client, timeoutMs }).reserve(randomUUID(), 60_000)).toBe(true)
    single.pause()
    try {
      await expect(store.reserve(randomUUID(), 60_000)).rejects.toThrow()
      await expect(revocations.revokedAt(['a'])).rejects.toThrow()
      await expect(revocations.revoke('a', 1, 60_000)).rejects.toThrow()
    } finally {
      single.resume()
    }
    expect(await createRedisReplayStore({ client, timeoutMs }).reserve(randomUUID(), 60_000)).toBe(true)
    await close()
  })

  it.each(['ioredis', 'node-redis'])('[C-10] [C-17] rejects when Redis refuses the command, with %s', async (name) => {
    const full = await startRedis(['maxmemory 1', 'maxmemory-policy noeviction'])
    const client = name === 'ioredis' ? new Redis(node(full)) : await connected(createClient({ url: url(full) }))
    await expect(createRedisReplayStore({ client, timeoutMs }).reserve('a', 60_000)).rejects.toThrow(/OOM/)
    if (client instanceof Redis) client.disconnect()
    else client.destroy()
    await full.stop()
  })
})
