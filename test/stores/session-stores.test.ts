import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createMemorySessionStore, type SessionStore } from 'portcullis/login'
import { createRedisSessionStore } from 'portcullis/redis'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.js'

const canary = 'CANARY-session'
const keys = [{ id: 'k1', secret: new Uint8Array(randomBytes(32)) }]

interface Kept {
  readonly store: SessionStore
  /** Lets time pass. */
  age(ms: number): Promise<void>
}

/** What holds of every store of sessions. */
function describeSessionStore(open: () => Promise<Kept>): void {
  it('[S2-34] keeps what is set, each under its own key, and the last of it', async () => {
    const { store } = await open()
    expect(await store.get('a')).toBeUndefined()
    await store.set('a', 'one', 60_000)
    await store.set('b', 'two', 60_000)
    await store.set('a', 'three', 60_000)
    expect([await store.get('a'), await store.get('b')]).toEqual(['three', 'two'])
  })

  it('[S2-34] forgets when the time is over, and not before; a touch makes it longer', async () => {
    const { store, age } = await open()
    await store.set('a', 'one', 60_000)
    await store.set('b', 'one', 60_000)
    await age(50_000)
    expect(await store.touch('a', 'two', 60_000)).toBe(true)
    await age(20_000)
    expect([await store.get('a'), await store.get('b')]).toEqual(['two', undefined])
  })

  it('[S2-34] does not bring back what was deleted, and lets one of several delete it', async () => {
    const { store } = await open()
    await store.set('a', 'one', 60_000)
    const deleted = await Promise.all([store.delete('a'), store.delete('a'), store.delete('a')])
    expect(deleted.filter(Boolean)).toHaveLength(1)
    expect(await store.touch('a', 'two', 60_000)).toBe(false)
    expect(await store.get('a')).toBeUndefined()
  })
}

describe('sessions in memory', () => {
  describeSessionStore(async () => {
    let nowMs = 0
    const store = createMemorySessionStore({ clock: () => nowMs })
    return {
      store,
      async age(ms) {
        nowMs += ms
      },
    }
  })

  it('[A13] answers at once', () => {
    const store = createMemorySessionStore()
    expect(store.set('a', 'one', 60_000)).toBeUndefined()
    expect([store.get('a'), store.touch('a', 'two', 60_000), store.delete('a')]).toEqual(['one', true, true])
  })

  it('forgets the one that was not used for longest when it is full', async () => {
    const store = createMemorySessionStore({ maxEntries: 2 })
    await store.set('a', 'one', 60_000)
    await store.set('b', 'two', 60_000)
    await store.get('a')
    await store.set('c', 'three', 60_000)
    expect([await store.get('a'), await store.get('b'), await store.get('c')]).toEqual(['one', undefined, 'three'])
  })
})

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

  const age = async (ms: number) => {
    for (const key of await redis.keys('*')) await redis.pexpire(key, (await redis.pttl(key)) - ms)
  }

  describe('by ioredis', () => {
    describeSessionStore(async () => {
      await redis.flushall()
      return { store: createRedisSessionStore({ client: redis, keys }), age }
    })
  })

  describe('by node-redis', () => {
    const connect = () => createClient({ url: `redis://127.0.0.1:${server.port}` }).connect()
    let client: Awaited<ReturnType<typeof connect>>
    beforeAll(async () => {
      client = await connect()
    })
    afterAll(() => client.destroy())

    describeSessionStore(async () => {
      await redis.flushall()
      return { store: createRedisSessionStore({ client, keys }), age }
    })
  })

  it('[S2-34] holds nothing that can be read, moved to another key, or opened without the key ring', async () => {
    await redis.flushall()
    const store = createRedisSessionStore({ client: redis, keys })
    await store.set('a', canary, 60_000)
    const sealed = (await redis.get('portcullis:session:a')) as string
    expect(sealed).not.toContain(canary)
    await redis.set('portcullis:session:b', sealed)
    expect(await store.get('b')).toBeUndefined()
    const stranger = createRedisSessionStore({
      client: redis,
      keys: [{ id: 'k1', secret: new Uint8Array(randomBytes(32)) }],
    })
    expect(await stranger.get('a')).toBeUndefined()
    expect(await store.get('a')).toBe(canary)
  })
})
