import {
  createRedisGrantStore,
  createRedisLockStore,
  createRedisReplayStore,
  createRedisRevocationStore,
  type RedisClient,
} from 'portcullis/redis'
import { describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '../../../src/errors/index.js'

function answering(answer: unknown) {
  return { call: vi.fn(async (..._command: unknown[]) => answer) }
}

describe('the Redis client', () => {
  it.each([undefined, null, 'redis://localhost', 7, {}, { call: true }, { get() {} }, () => undefined])(
    'refuses %j as a client, with a sentence',
    (client) => {
      for (const create of [createRedisReplayStore, createRedisRevocationStore]) {
        const make = () => create({ client: client as unknown as RedisClient })
        expect(make).toThrow(ConfigurationError)
        expect(make).toThrow(/made with ioredis or with redis/)
      }
    },
  )

  it.each([0, -1, 1.5, Number.NaN, 60_001])('refuses timeoutMs = %d', (timeoutMs) => {
    expect(() => createRedisReplayStore({ client: answering('OK'), timeoutMs })).toThrow(
      /takes a whole number from 1 to/,
    )
  })

  it('[REAL-19] refuses what it does not know in the options of every store, and in a key of the key ring', () => {
    const client = answering('OK')
    const id = 'k1'
    const secret = new Uint8Array(32)
    const keys = [{ id, secret }]
    const factories = [createRedisReplayStore, createRedisRevocationStore, createRedisLockStore]
    for (const create of [...factories, (given: object) => createRedisGrantStore({ keys, ...given } as never)]) {
      expect(() => create({ client, prefix: 'p:', timeoutMs: 7 })).not.toThrow()
      expect(() => create({ client, timeout: 7 } as never)).toThrow(/Did you mean `timeoutMs`/)
      expect(() => create({ client, prefix: 7 } as never)).toThrow(ConfigurationError)
      expect(() => create({ client, timeoutMs: '7' } as never)).toThrow(ConfigurationError)
    }
    for (const create of factories) expect(() => create(undefined as never)).toThrow(ConfigurationError)
    for (const key of [{ id, secret, kid: 'k2' }, null, 'k1']) {
      expect(() => createRedisGrantStore({ client, keys: [key] as never })).toThrow(ConfigurationError)
    }
  })

  it('[C-10] sends one atomic command on one key', async () => {
    const client = answering('OK')
    expect(await createRedisReplayStore({ client, prefix: 'p:' }).reserve('key', 70_000.2)).toBe(true)
    expect(client.call.mock.calls).toEqual([['SET', 'p:key', '1', 'NX', 'PX', '70001']])
  })

  it('gives a lease back whose answer came too late, so that nobody waits for its end', async () => {
    const call = vi.fn((command: string, ..._rest: string[]): Promise<unknown> => {
      return command === 'SET' ? new Promise(() => {}) : Promise.reject(new Error('down'))
    })
    const lock = createRedisLockStore({ client: { call }, prefix: 'p:', timeoutMs: 1 })
    await expect(lock.acquire('key', 30_000)).rejects.toMatchObject({ reason: 'timeout' })
    const [asked, released] = call.mock.calls
    const holder = asked?.[2]
    expect(released).toEqual(['EVAL', expect.stringMatching(/GET.*DEL/), '1', 'p:key', holder])
  })

  it('sends to the node that writes, on clusters and sentinels too', async () => {
    const sendCommand = vi.fn(async (..._command: unknown[]) => '7')
    await createRedisRevocationStore({ client: { sendCommand } }).revokedAt(['a'])
    const cluster = { sendCommand, getSlotRandomNode() {} }
    await createRedisRevocationStore({ client: cluster }).revokedAt(['a'])
    const sentinel = { sendCommand, getSentinelNode() {} }
    await createRedisRevocationStore({ client: sentinel }).revokedAt(['a'])
    const command = ['GET', 'portcullis:revoked:a']
    expect(sendCommand.mock.calls).toEqual([[command], ['portcullis:revoked:a', false, command], [false, command]])
  })

  it('[C-10] reads the answers of clients that give bytes', async () => {
    expect(await createRedisReplayStore({ client: answering(Buffer.from('OK')) }).reserve('key', 1)).toBe(true)
    expect(await createRedisRevocationStore({ client: answering(Buffer.from('7')) }).revokedAt(['a'])).toEqual([7])
  })

  it.each(['QUEUED', '', 1, undefined, {}])('[C-10] fails closed on the answer %j to SET', async (answer) => {
    await expect(createRedisReplayStore({ client: answering(answer) }).reserve('key', 1)).rejects.toThrow(
      'unexpected answer to SET',
    )
  })

  it.each(['text', {}, undefined])('fails closed on the answer %j to GET', async (answer) => {
    await expect(createRedisRevocationStore({ client: answering(answer) }).revokedAt(['a'])).rejects.toThrow(
      'unexpected answer to GET',
    )
  })

  it('[C-17] rejects when the client throws, and when it never answers', async () => {
    const broken = {
      call() {
        throw new Error('closed')
      },
    }
    await expect(createRedisReplayStore({ client: broken }).reserve('key', 1)).rejects.toThrow('closed')
    vi.useFakeTimers()
    try {
      const silent = { call: () => new Promise<never>(() => undefined) }
      const answer = createRedisReplayStore({ client: silent }).reserve('key', 1) as Promise<boolean>
      const settled = vi.fn()
      answer.catch(settled)
      await vi.advanceTimersByTimeAsync(999)
      expect(settled).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      expect(settled).toHaveBeenCalledOnce()
    } finally {
      vi.useRealTimers()
    }
  })
})
