import { Cluster, Redis } from 'ioredis'
import { createRedisLockStore, createRedisTokenStore, type RedisClient } from 'portcullis/redis'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEntrySealer } from '../../src/stores/encrypted/entry-sealer.js'
import {
  hasRedis,
  type RedisCluster,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startSentinel,
} from '../support/redis.js'
import { describeProcesses } from './process-contract.js'
import { canary, describeTokenStore, entryOf } from './token-store-contract.js'
import { describeUserTokens } from './user-tokens-contract.js'

const secret = new Uint8Array(32).fill(9)
const sealing = { keys: [{ id: 'k', secret }], nameSecret: secret }
const prefix = 'portcullis:tokens:'

interface Connected {
  readonly client: RedisClient
  /** The same entries through a client that can do everything. */
  readonly behind: Redis | Cluster
  close(): unknown
}

let single: RedisServer
let sentinel: RedisServer
let cluster: RedisCluster

const node = (port: number) => ({ host: '127.0.0.1', port })
const url = (port: number) => `redis://127.0.0.1:${port}`

async function connected<T extends { connect(): Promise<unknown>; on(event: 'error', listener: () => void): unknown }>(
  client: T,
): Promise<T> {
  client.on('error', () => undefined)
  await client.connect()
  return client
}

function beside(client: RedisClient, behind: Redis | Cluster, close: () => unknown): Connected {
  return { client, behind, close: () => Promise.all([close(), behind.disconnect()]) }
}

const clients: Record<string, () => Promise<Connected>> = {
  async ioredis() {
    const client = new Redis(node(single.port))
    return beside(client, client, () => undefined)
  },
  async 'an ioredis cluster of three nodes'() {
    const client = new Cluster(cluster.ports.map(node))
    return beside(client, client, () => undefined)
  },
  async 'node-redis'() {
    const client = await connected(createClient({ url: url(single.port) }))
    return beside(client, new Redis(node(single.port)), () => client.destroy())
  },
  async 'a node-redis pool'() {
    const client = await connected(createClientPool({ url: url(single.port) }))
    return beside(client, new Redis(node(single.port)), () => client.destroy())
  },
  async 'a node-redis cluster of three nodes'() {
    const client = await connected(createCluster({ rootNodes: cluster.ports.map((port) => ({ url: url(port) })) }))
    return beside(client, new Cluster(cluster.ports.map(node)), () => client.destroy())
  },
  async 'a node-redis sentinel'() {
    const client = await connected(createSentinel({ name: 'main', sentinelRootNodes: [node(sentinel.port)] }))
    return beside(client, new Redis(node(single.port)), () => client.destroy())
  },
}

/** Takes `ms` from the lifetime of every entry: the only clock of a Redis that a test can turn. */
async function age(behind: Redis | Cluster, ms: number): Promise<void> {
  for (const server of behind instanceof Cluster ? behind.nodes('master') : [behind]) {
    for (const key of await server.keys('*')) await server.pexpire(key, (await server.pttl(key)) - ms)
  }
}

const code = (name: string) => expect.objectContaining({ name: 'TokenStoreError', code: `ERR_TOKEN_STORE_${name}` })

describe.runIf(hasRedis('the Redis token store'))('with a real Redis', () => {
  beforeAll(async () => {
    single = await startRedis()
    sentinel = await startSentinel(single.port)
    cluster = await startRedisCluster()
  })

  afterAll(async () => {
    await Promise.all([sentinel?.stop(), single?.stop(), cluster?.stop()])
  })

  describe.each(Object.keys(clients))('%s', (name) => {
    let connection: Connected
    const { nameOf } = createEntrySealer('redis', sealing)
    const placeOf = async (key: string) => prefix + (await nameOf(key))

    beforeAll(async () => {
      connection = await (clients[name] as () => Promise<Connected>)()
    })

    afterAll(() => connection?.close())

    const isCluster = name.includes('cluster')
    const open = async () => ({
      store: createRedisTokenStore({ client: connection.client, ...sealing, timeoutMs: 20_000 }),
      pass: (ms: number) => age(connection.behind, ms),
      async damage(key: string) {
        const sealed = String(await connection.behind.hget(await placeOf(key), 'sealed'))
        await connection.behind.hset(await placeOf(key), 'sealed', `${sealed.slice(0, -8)}AAAAAAAA`)
      },
      async swap(from: string, to: string) {
        const fields = await connection.behind.hgetall(await placeOf(from))
        await connection.behind.hset(await placeOf(to), fields)
      },
      settings: { kind: 'redis', port: isCluster ? cluster.ports[1] : single.port, cluster: isCluster, seed: 9 },
    })
    describeTokenStore('redis', open)
    describeProcesses('redis', open)
  })

  describe.each(['ioredis', 'an ioredis cluster of three nodes'])('%s', (name) => {
    let connection: Connected

    beforeAll(async () => {
      connection = await (clients[name] as () => Promise<Connected>)()
    })

    afterAll(() => connection?.behind.disconnect())

    describeUserTokens('redis', async () => {
      const { client } = connection
      const open = () => createRedisTokenStore({ client, ...sealing, timeoutMs: 20_000 })
      return { stores: [open(), open()], lock: createRedisLockStore({ client, timeoutMs: 20_000 }) }
    })
  })

  async function withStore<T>(
    options: { readonly maxLifetimeSeconds?: number },
    work: (store: ReturnType<typeof createRedisTokenStore>, client: Redis) => Promise<T>,
  ): Promise<T> {
    const client = new Redis(node(single.port))
    await client.flushall()
    try {
      return await work(createRedisTokenStore({ client, ...sealing, timeoutMs: 20_000, ...options }), client)
    } finally {
      client.disconnect()
    }
  }

  it.each([
    ['ioredis', (keyPrefix: string) => new Redis({ ...node(single.port), keyPrefix })],
    ['an ioredis cluster', (keyPrefix: string) => new Cluster(cluster.ports.map(node), { keyPrefix })],
    [
      'an ioredis cluster that hands it to its nodes',
      (keyPrefix: string) => new Cluster(cluster.ports.map(node), { redisOptions: { keyPrefix } }),
    ],
  ])('[S2-43] lists what is below the keyPrefix of %s, and nothing beside it', async (_name, connect) => {
    const names = Array.from({ length: 12 }, (_, n) => `user ${n}`)
    const list = async (client: RedisClient) => {
      const found: string[] = []
      for await (const key of createRedisTokenStore({ client, ...sealing, timeoutMs: 20_000 }).keys()) found.push(key)
      return found.sort()
    }
    for (const keyPrefix of ['plain:', 'glob*?[a]\\^-:', '{tag}:']) {
      const [client, other] = [connect(keyPrefix), connect(`other-${keyPrefix}`)]
      const store = createRedisTokenStore({ client, ...sealing, timeoutMs: 20_000 })
      for (const name of names) await store.set(name, entryOf(name))
      expect(await list(client)).toEqual([...names].sort())
      expect(await list(other)).toEqual([])
      for (const name of names) expect(await store.delete(name)).toBe(true)
      client.disconnect()
      other.disconnect()
    }
  })

  it('[D11] [S2-46] keeps an entry for maxLifetimeSeconds where no ttlMs is given, and never for longer', async () => {
    await withStore({ maxLifetimeSeconds: 100 }, async (store, client) => {
      const lifetimes = [undefined, { ttlMs: 50_000 }, { ttlMs: 500_000 }]
      const left: number[] = []
      for (const lifetime of lifetimes) {
        await store.set('user', entryOf('tokens'), lifetime)
        const [name = ''] = await client.keys(`${prefix}*`)
        left.push(Math.ceil((await client.pttl(name)) / 10_000))
      }
      expect(left).toEqual([10, 5, 10])
    })
  })

  it('[A9] [S2-45] lets Redis see no token, no key and no account', async () => {
    await withStore({}, async (store, client) => {
      await store.set(canary, entryOf(canary, { account: { issuer: canary, subject: canary } }))
      const [name = ''] = await client.keys('*')
      expect(name).toMatch(/^portcullis:tokens:[\w-]{43}$/)
      expect(JSON.stringify(await client.hgetall(name))).not.toContain(canary)
    })
  })

  it('[S1-42] refuses an entry that is cut short, of another type, or beside a version that is not its own', async () => {
    await withStore({}, async (store, client) => {
      await store.set('user', entryOf('tokens'))
      const [name = ''] = await client.keys('*')
      await client.hset(name, 'version', 'another')
      await expect(store.get('user')).rejects.toEqual(code('CORRUPT'))
      await client.hdel(name, 'version')
      await expect(store.get('user')).rejects.toEqual(code('CORRUPT'))
      await client.hdel(name, 'sealed')
      await client.set(name, 'text')
      await expect(store.get('user')).rejects.toMatchObject({ detail: 'The store failed: WRONGTYPE.' })
    })
  })

  it('[S2-43] lists no more than 100,000 entries', async () => {
    await withStore({}, async (store, client) => {
      const script = "for n = 1, 100001 do redis.call('HSET', ARGV[1] .. n, 'version', 'v') end"
      await client.eval(script, 0, prefix)
      const list = async () => {
        for await (const key of store.keys()) expect(key).toBeUndefined()
      }
      await expect(list()).rejects.toEqual(code('CONFIGURATION'))
      await client.flushall()
    })
  })

  it('[A12] [REAL-44] is unavailable while Redis does not answer, with nothing of what was sent in the error', async () => {
    const client = new Redis({ ...node(single.port), maxRetriesPerRequest: 0 })
    const store = createRedisTokenStore({ client, ...sealing, timeoutMs: 50 })
    await client.ping()
    single.pause()
    const errors = await Promise.allSettled([
      store.get(canary),
      store.set(canary, entryOf(canary)),
      store.replace(canary, undefined, entryOf(canary)),
      store.delete(canary),
      store.has(canary),
      store.keys()[Symbol.asyncIterator]().next(),
    ])
    single.resume()
    client.disconnect()
    for (const error of errors) {
      expect(error).toMatchObject({
        status: 'rejected',
        reason: { code: 'ERR_TOKEN_STORE_UNAVAILABLE', retryable: true },
      })
      expect((error as PromiseRejectedResult).reason).not.toHaveProperty('cause')
    }
  })

  it('takes no options that cannot be right', () => {
    const client = new Redis({ ...node(single.port), lazyConnect: true })
    const wrong = [
      { nameSecret: new Uint8Array(31) },
      { nameSecret: 'text' },
      { keys: [] },
      { maxLifetimeSeconds: 0 },
      { clock: 7 },
      { lifetime: 7 },
    ]
    for (const options of wrong) {
      expect(() => createRedisTokenStore({ client, ...sealing, ...(options as object) })).toThrow(/`/)
    }
  })
})
