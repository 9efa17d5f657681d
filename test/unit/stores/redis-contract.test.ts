import {
  createRedisGrantStore,
  createRedisLockStore,
  createRedisReplayStore,
  createRedisRevocationStore,
  createRedisSessionStore,
  createRedisTokenStore,
  type RedisClient,
} from 'portcullis/redis'
import { describe, expect, it } from 'vitest'
import { createEntrySealer } from '../../../src/stores/encrypted/entry-sealer.js'
import {
  describeGrantStore,
  describeLockStore,
  describeReplayStore,
  describeRevocationStore,
  describeSessionStore,
} from '../../stores/store-contract.js'
import { canary, describeTokenStore, entryOf } from '../../stores/token-store-contract.js'
import { createFakeRedis, type FakeRedis } from '../../support/fake-redis.js'

/*
 * The same contract that a real Redis has to keep in test/stores, without one: here for what the stores send and make of
 * the answers, not for what the scripts do.
 */

const secret = new Uint8Array(32).fill(9)
const keys = [{ id: 'k', secret }]
const sealing = { keys, nameSecret: secret }

/** Makes a store over a Redis of its own. */
function over<Store>(create: (client: RedisClient) => Store) {
  return () => {
    const redis = createFakeRedis()
    return { store: create(redis), pass: redis.pass, redis }
  }
}

describeReplayStore(
  'a Redis',
  over((client) => createRedisReplayStore({ client })),
)
describeRevocationStore(
  'a Redis',
  over((client) => createRedisRevocationStore({ client })),
)
describeGrantStore(
  'a Redis',
  over((client) => createRedisGrantStore({ client, keys })),
)
describeLockStore(
  'a Redis',
  over((client) => createRedisLockStore({ client })),
)
describeSessionStore(
  'a Redis',
  over((client) => createRedisSessionStore({ client, keys })),
)

const { nameOf } = createEntrySealer('redis', sealing)
const placeOf = async (key: string) => `portcullis:tokens:${await nameOf(key)}`

function fieldsOf({ held }: FakeRedis, place: string): Map<string, string> {
  return held.get(place)?.value as Map<string, string>
}

const openTokens = over((client) => createRedisTokenStore({ client, ...sealing }))

describeTokenStore('redis', async () => {
  const { redis, ...opened } = openTokens()
  return {
    ...opened,
    async damage(key) {
      const fields = fieldsOf(redis, await placeOf(key))
      fields.set('sealed', `${fields.get('sealed')?.slice(0, -8)}AAAAAAAA`)
    },
    async swap(from, to) {
      const fields = fieldsOf(redis, await placeOf(to))
      for (const [name, value] of fieldsOf(redis, await placeOf(from))) fields.set(name, value)
    },
  }
})

const code = (name: string) => expect.objectContaining({ code: `ERR_TOKEN_STORE_${name}` })

describe('createRedisTokenStore', () => {
  it('[D11] [S2-46] keeps an entry for 30 days where no ttlMs is given, and never for longer than it is told', async () => {
    for (const [options, lifetime, ttl] of [
      [{}, undefined, '2592000000'],
      [{ maxLifetimeSeconds: 100 }, undefined, '100000'],
      [{ maxLifetimeSeconds: 100 }, { ttlMs: 50_000 }, '50000'],
      [{ maxLifetimeSeconds: 100 }, { ttlMs: 500_000 }, '100000'],
      [{ maxLifetimeSeconds: 100 }, { ttlMs: -7 }, '1'],
      [{ maxLifetimeSeconds: 100, clock: () => 0.5 }, { ttlMs: 50_000.2 }, '50001'],
    ] as const) {
      const redis = createFakeRedis()
      const store = createRedisTokenStore({ clock: () => 1_800_000_000_000, client: redis, ...sealing, ...options })
      await store.set('user', entryOf('tokens'), lifetime)
      expect(redis.commands.at(-1)?.at(-1)).toBe(ttl)
    }
    const { store } = openTokens()
    expect(() => createRedisTokenStore({ client: createFakeRedis(), ...sealing, maxLifetimeSeconds: 0 })).toThrow(
      '`max',
    )
    expect(() => createRedisTokenStore({ client: createFakeRedis(), ...sealing, clock: 7 as never })).toThrow('`clock`')
    expect(store.describe()).toEqual({
      ...{ kind: 'redis', atRest: 'encrypted', location: 'portcullis:tokens:' },
      ...{ persistent: true, timeoutMs: 1000 },
    })
  })

  it('[S1-42] refuses an entry that is cut short, of another type, or beside a version that is not its own', async () => {
    const { store, redis } = openTokens()
    const place = await placeOf('user')
    const sealed = async () => {
      await store.set('user', entryOf('tokens'))
      return fieldsOf(redis, place)
    }
    ;(await sealed()).set('version', 'another')
    await expect(store.get('user')).rejects.toMatchObject({ detail: 'The version beside an entry is not its own.' })
    for (const name of ['version', 'sealed']) {
      ;(await sealed()).delete(name)
      await expect(store.get('user')).rejects.toMatchObject({ detail: 'An entry is cut short.' })
      await expect(store.get('user')).rejects.toEqual(code('CORRUPT'))
    }
    for (const nothing of [null, undefined]) {
      const odd = createRedisTokenStore({ client: { call: async () => [nothing, nothing] }, ...sealing })
      expect(await odd.get('user')).toBeUndefined()
    }
  })

  it('[S1-42] opens what was sealed for Redis, and nothing that was sealed for another kind of store', async () => {
    const { store, redis } = openTokens()
    const place = await placeOf('user')
    const entry = entryOf('tokens')
    await store.set('user', entry)
    const put = async (kind: string) => {
      const sealed = await createEntrySealer(kind, sealing).seal(place, { key: 'user', entry, expiresAtMs: undefined })
      fieldsOf(redis, place).set('sealed', sealed)
    }
    await put('encrypted')
    await expect(store.get('user')).rejects.toEqual(code('CORRUPT'))
    await put('redis')
    expect(await store.get('user')).toEqual(entry)
  })

  it('[A12] lets nothing of what Redis says out but a code, also from the list of keys', async () => {
    const client = { call: () => Promise.reject(Object.assign(new Error(canary), { code: 'ECONNRESET' })) }
    const store = createRedisTokenStore({ client, ...sealing })
    const failed = { code: 'ERR_TOKEN_STORE_UNAVAILABLE', detail: 'The store failed: ECONNRESET.' }
    const entry = entryOf('tokens')
    const calls = [
      () => store.get('a'),
      () => store.set('a', entry),
      () => store.replace('a', 'v', entry),
      () => store.delete('a'),
      () => store.has('a'),
      () => store.keys()[Symbol.asyncIterator]().next(),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject(failed)
  })

  it('[S2-43] lists no more than 100,000 entries, and each of them once', async () => {
    const pageOf = (count: number) => ({
      async call(command: string, ...args: string[]) {
        if (command !== 'SCAN') return [null, null]
        const from = Number(args[0])
        const next = from + 10_000 < count ? String(from + 10_000) : '0'
        return [next, Array.from({ length: Math.min(10_000, count - from) }, (_, n) => `name ${from + n}`)]
      },
    })
    const list = async (count: number) => {
      for await (const key of createRedisTokenStore({ client: pageOf(count), ...sealing }).keys())
        expect(key).toBe('none')
    }
    await list(100_000)
    await expect(list(100_001)).rejects.toEqual(code('CONFIGURATION'))
    await expect(list(100_001)).rejects.toMatchObject({ detail: 'Redis holds more than 100000 entries to list.' })
  })
})

describe('the list of keys', () => {
  const prefix = 'a*?[b]^-\\:'
  const named = ['one', 'two', 'three', 'four', 'five', 'six', 'seven']

  /** Each of them with a part of the entries. */
  async function filled(count: number): Promise<readonly FakeRedis[]> {
    const nodes = Array.from({ length: count }, () => createFakeRedis())
    for (const [index, name] of named.entries()) {
      const client = nodes[index % count] as FakeRedis
      await createRedisTokenStore({ client, ...sealing, prefix }).set(name, entryOf(name))
      await createRedisTokenStore({ client, ...sealing, prefix: 'axb:' }).set(`${name} of another`, entryOf(name))
    }
    return nodes
  }

  async function listed(client: RedisClient): Promise<string[]> {
    const found: string[] = []
    for await (const key of createRedisTokenStore({ client, ...sealing, prefix }).keys()) found.push(key)
    return found.sort()
  }

  /** Says which arguments came before the command, and sends it to the node that has its key. */
  function sender(nodes: readonly FakeRedis[], form: (args: unknown[]) => unknown) {
    return async (...args: unknown[]) => {
      const [command, ...rest] = form(args) as [string, ...string[]]
      const place = command === 'SCAN' ? '' : (rest[0] as string)
      const node = nodes.find(({ held }) => held.has(place)) ?? (nodes[0] as FakeRedis)
      return node.call(command, ...rest)
    }
  }

  function expectForm(given: unknown[], ...before: unknown[]): unknown {
    expect(given.slice(0, -1)).toEqual(before)
    return given.at(-1)
  }

  it('[S2-43] comes from every page of a server, and is of its own prefix alone', async () => {
    const [redis] = (await filled(1)) as [FakeRedis]
    expect(await listed(redis)).toEqual([...named].sort())
    const scans = redis.commands.filter(([command]) => command === 'SCAN')
    expect(scans.length).toBeGreaterThan(3)
    expect(scans[0]).toEqual(['SCAN', '0', 'MATCH', 'a\\*\\?\\[b\\]\\^\\-\\\\:*', 'COUNT', '1000'])
  })

  it('[S2-43] comes from every node of a cluster, however its client names them', async () => {
    const nodes = await filled(3)
    const keyed = sender(nodes, (args) => args)
    const ioredis = {
      call: keyed as (command: string, ...args: string[]) => Promise<unknown>,
      nodes: (role: string) => (role === 'master' ? nodes : []),
    }
    expect(await listed(ioredis)).toEqual([...named].sort())
    const nodeRedis = {
      sendCommand: sender(nodes, (args) => args[2]),
      getSlotRandomNode() {},
      masters: nodes,
      nodeClient: async (node: FakeRedis) => ({ sendCommand: sender([node], (args) => expectForm(args)) }),
    }
    expect(await listed(nodeRedis)).toEqual([...named].sort())
  })

  it('[S2-43] comes from a single server and a sentinel of node-redis', async () => {
    const nodes = await filled(1)
    expect(await listed({ sendCommand: sender(nodes, (args) => expectForm(args)) })).toEqual([...named].sort())
    const sentinel = { sendCommand: sender(nodes, (args) => expectForm(args, false)), getSentinelNode() {} }
    expect(await listed(sentinel)).toEqual([...named].sort())
  })

  it('[S2-43] comes through a client of ioredis that puts a keyPrefix of its own before keys, and not into patterns', async () => {
    const redis = createFakeRedis()
    const withPrefix = (keyPrefix: string) => ({
      options: { keyPrefix },
      async call(command: string, ...args: string[]) {
        const place = { SCAN: -1, EVAL: 2 }[command] ?? 0
        return redis.call(command, ...args.map((arg, at) => (at === place ? keyPrefix + arg : arg)))
      },
    })
    const [ours, others] = [withPrefix('[a]*:'), withPrefix('a:')]
    await createRedisTokenStore({ client: ours, ...sealing, prefix }).set('one', entryOf('one'))
    await createRedisTokenStore({ client: others, ...sealing, prefix }).set('two', entryOf('two'))
    expect([...redis.held.keys()]).toEqual([expect.stringMatching(/^\[a\]\*:/), expect.stringMatching(/^a:/)])
    expect(await listed(ours)).toEqual(['one'])
    expect(await listed(others)).toEqual(['two'])
    expect(await listed(redis)).toEqual([])
  })

  it('[A12] rejects where a page does not come in time', async () => {
    const client = { call: () => new Promise<never>(() => undefined) }
    const store = createRedisTokenStore({ client, ...sealing, timeoutMs: 5 })
    await expect(store.keys()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'ERR_TOKEN_STORE_UNAVAILABLE',
    })
  })
})

describe('a session in Redis', () => {
  it('[S2-34] opens at its own place alone, and lives a millisecond at least', async () => {
    const redis = createFakeRedis()
    const store = createRedisSessionStore({ client: redis, keys })
    await store.set('a', canary, 0.2)
    expect(redis.commands.at(-1)?.slice(-2)).toEqual(['PX', '1'])
    await store.set('a', canary, 60_000.2)
    expect(redis.commands.at(-1)?.slice(-2)).toEqual(['PX', '60001'])
    const sealed = (await redis.call('GET', 'portcullis:session:a')) as string
    expect(sealed).not.toContain(canary)
    await redis.call('SET', 'portcullis:session:b', sealed, 'PX', '1000')
    expect(await store.get('b')).toBeUndefined()
    expect(await store.get('a')).toBe(canary)
    expect(() => createRedisSessionStore({ client: redis, keys, key: 1 } as never)).toThrow('`key`')
    expect(Object.isFrozen(store)).toBe(true)
  })
})

describe('every store in Redis', () => {
  const grant = { accessToken: 'a', tokenType: 'Bearer', expiresAt: 1, scope: [], issuedTokenType: 'x' } as const
  const factories = {
    createRedisGrantStore: [
      'portcullis:grant:',
      (options: object) => createRedisGrantStore({ keys, ...options } as never).set('a', grant, 60_000),
    ],
    createRedisLockStore: [
      'portcullis:lock:',
      (options: object) => createRedisLockStore(options as never).acquire('a', 60_000),
    ],
    createRedisReplayStore: [
      'portcullis:replay:',
      (options: object) => createRedisReplayStore(options as never).reserve('a', 60_000),
    ],
    createRedisRevocationStore: [
      'portcullis:revoked:',
      (options: object) => createRedisRevocationStore(options as never).revoke('a', 1, 60_000),
    ],
    createRedisSessionStore: [
      'portcullis:session:',
      (options: object) => createRedisSessionStore({ keys, ...options } as never).set('a', 'session', 60_000),
    ],
    createRedisTokenStore: [
      'portcullis:tokens:',
      (options: object) => createRedisTokenStore({ ...sealing, ...options } as never).set('a', entryOf('tokens')),
    ],
  } as const

  it.each(Object.entries(factories))('[C-10] [REAL-19] has its place and its name: %s', async (name, [place, use]) => {
    for (const [prefix, begin] of [
      [undefined, place],
      ['own:', 'own:'],
    ]) {
      const client = createFakeRedis()
      await use({ client, prefix })
      const [key = ''] = client.held.keys()
      expect(key.slice(0, begin?.length)).toBe(begin)
    }
    const refused = async (options: object) => {
      try {
        await use(options)
        return 'nothing'
      } catch (error) {
        return (error as Error).message
      }
    }
    const client = createFakeRedis()
    expect(await refused({ client, clients: [] })).toContain(`${name} has no option \`clients\`.`)
    expect(await refused({ client, prefix: 7 })).toContain('`prefix` takes text; leave it out for the default.')
    expect(await refused({ client, timeoutMs: 60_001 })).toContain('`timeoutMs` takes a whole number from 1 to 60000.')
    expect(await refused({ client: {} })).toContain(
      '`client` takes a client made with ioredis or with redis (node-redis).',
    )
  })
})
