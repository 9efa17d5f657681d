import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createRedisSessionStore } from 'portcullis/redis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.js'
import { describeSessionStore } from './store-contract.js'

const canary = 'CANARY-session'
/** Of one answer: a busy machine takes its time. */
const timeoutMs = 20_000
const keys = [{ id: 'k1', secret: new Uint8Array(randomBytes(32)) }]

describe.runIf(hasRedis('sessions in Redis'))('sessions in Redis', () => {
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

  const pass = async (ms: number) => {
    for (const key of await redis.keys('*')) await redis.pexpire(key, (await redis.pttl(key)) - ms)
  }

  describeSessionStore('ioredis', () => ({ store: createRedisSessionStore({ client: redis, keys, timeoutMs }), pass }))

  describe('by node-redis', () => {
    const connect = () => createClient({ url: `redis://127.0.0.1:${server.port}` }).connect()
    let client: Awaited<ReturnType<typeof connect>>
    beforeAll(async () => {
      client = await connect()
    })
    afterAll(() => client.destroy())

    describeSessionStore('node-redis', () => ({ store: createRedisSessionStore({ client, keys, timeoutMs }), pass }))
  })

  it('[S2-34] holds nothing that can be read, moved to another key, or opened without the key ring', async () => {
    await redis.flushall()
    const store = createRedisSessionStore({ client: redis, keys, timeoutMs })
    await store.set('a', canary, 60_000)
    const sealed = (await redis.get('portcullis:session:a')) as string
    expect(sealed).not.toContain(canary)
    await redis.set('portcullis:session:b', sealed)
    expect(await store.get('b')).toBeUndefined()
    const stranger = createRedisSessionStore({
      ...{ client: redis, timeoutMs },
      keys: [{ id: 'k1', secret: new Uint8Array(randomBytes(32)) }],
    })
    expect(await stranger.get('a')).toBeUndefined()
    expect(await store.get('a')).toBe(canary)
  })
})
