import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { createRedisGrantStore, createRedisLockStore, type SealKey } from 'portcullis/redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundledScript } from '../support/bundled-script.js'
import { calendar, caller, mail, setUpGrants, tokenOf } from '../support/grants-set-up.js'
import { hasRedis, type RedisServer, startRedis } from '../support/redis.js'

const sealKey = (id: string): SealKey => ({ id, secret: new Uint8Array(randomBytes(32)) })
const alice = caller('alice-token')

describe.runIf(hasRedis('exchanged tokens in Redis'))('exchanged tokens in Redis', () => {
  let server: RedisServer
  let redis: Redis
  const key = sealKey('k1')

  beforeAll(async () => {
    server = await startRedis()
    redis = new Redis({ host: '127.0.0.1', port: server.port })
  })
  afterAll(async () => {
    redis?.disconnect()
    await server?.stop()
  })

  /** A process of a fleet. */
  const process = (keys: readonly SealKey[] = [key], prefix?: string) =>
    setUpGrants({ store: createRedisGrantStore({ client: redis, keys, prefix, timeoutMs: 20_000 }) })
  const entries = async () => {
    const names = await redis.keys('*')
    return new Map(await Promise.all(names.map(async (name) => [name, (await redis.get(name)) ?? ''] as const)))
  }

  it('[TX-12] [S3-22] are shared by the processes of a fleet', async () => {
    await redis.flushall()
    const [one, other] = [process(), process()]
    expect(await tokenOf(other, alice, calendar)).toBe(await tokenOf(one, alice, calendar))
    expect([one.exchanges() + other.exchanges()]).toEqual([1])
  })

  it('[D12] are never readable there: neither tokens nor keys tell anything', async () => {
    await redis.flushall()
    const tokens = [
      await tokenOf(process(), alice, { resource: calendar, scope: 'calendar:read' }),
      await tokenOf(process(), caller('bob-token'), mail),
    ]
    const kept = await entries()
    expect(kept.size).toBe(2)
    for (const [name, value] of kept) {
      expect(name).toMatch(/^portcullis:grant:[\w-]{43}$/)
      expect(value).toMatch(/^v1\.k1\.[\w-]{16}\.[\w-]+$/)
      const bytes = Buffer.from(value.split('.')[3] ?? '', 'base64url').toString('latin1')
      for (const secret of [...tokens, 'alice-token', 'bob-token', 'calendar.example', 'mail.example', 'Bearer']) {
        expect(value + bytes).not.toContain(secret)
        expect(value).not.toContain(Buffer.from(secret).toString('base64url').slice(0, -2))
      }
    }
    expect(new Set([...kept.values()].map((value) => value.split('.')[2])).size).toBe(2)
  })

  it('[D12] do not open in the place of another entry', async () => {
    await redis.flushall()
    await tokenOf(process(), alice, calendar)
    await tokenOf(process(), caller('mallory-token'), calendar)
    const [[first, one] = ['', ''], [second, two] = ['', '']] = [...(await entries())]
    await redis.mset(first, two, second, one)
    const setUp = process()
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
    expect(await tokenOf(setUp, caller('mallory-token'), calendar)).toContain('mallory-token')
    expect(setUp.exchanges()).toBe(2)
  })

  it('[D12] do not open below another prefix', async () => {
    await redis.flushall()
    await tokenOf(process([key], 'a:'), alice, calendar)
    const [[name, value] = ['', '']] = [...(await entries())]
    await redis.set(name.replace('a:', 'b:'), value)
    const setUp = process([key], 'b:')
    await tokenOf(setUp, alice, calendar)
    expect(setUp.exchanges()).toBe(1)
  })

  it('[D12] open after a key rotation as long as the old key is in the ring', async () => {
    await redis.flushall()
    const [older, newer] = [sealKey('older'), sealKey('newer')]
    const first = await tokenOf(process([older]), alice, calendar)
    const rotated = process([newer, older])
    expect(await tokenOf(rotated, alice, calendar)).toBe(first)
    await tokenOf(rotated, alice, mail)
    const ids = [...(await entries()).values()].map((value) => value.split('.')[1])
    expect(ids.sort()).toEqual(['newer', 'older'])
    const finished = process([newer])
    await tokenOf(finished, alice, mail)
    expect(finished.exchanges()).toBe(0)
    await tokenOf(finished, alice, calendar)
    expect(finished.exchanges()).toBe(1)
  })

  it('[D12] do not open with another key of the same id', async () => {
    await redis.flushall()
    await tokenOf(process([sealKey('k1')]), alice, calendar)
    const setUp = process([sealKey('k1')])
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
    expect(setUp.exchanges()).toBe(1)
  })

  const alterations: Record<string, (value: string) => string> = {
    'a changed ciphertext': (value) => value.slice(0, -3) + (value.endsWith('AAA') ? 'BBB' : 'AAA'),
    'a changed nonce': (value) => value.replace(/\.[\w-]{16}\./, `.${'A'.repeat(16)}.`),
    'a short nonce': (value) => value.replace(/\.[\w-]{16}\./, '.AAAA.'),
    'an empty nonce': (value) => value.replace(/\.[\w-]{16}\./, '..'),
    'a cut ciphertext': (value) => value.slice(0, -8),
    'no ciphertext': (value) => value.slice(0, value.lastIndexOf('.') + 1),
    'another version': (value) => value.replace('v1', 'v2'),
    'another key id': (value) => value.replace('.k1.', '.k2.'),
    'a further part': (value) => `${value}.AAAA`,
    'no base64url': (value) => `${value}=`,
    'a token in the clear': () => JSON.stringify({ accessToken: 'planted', tokenType: 'Bearer', expiresAt: 9e9 }),
    nothing: () => '',
  }
  it.each(Object.entries(alterations))('[D12] count as absent with %s', async (_name, alter) => {
    await redis.flushall()
    await tokenOf(process(), alice, calendar)
    const [[name, value] = ['', '']] = [...(await entries())]
    await redis.set(name, alter(value))
    const setUp = process()
    expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
    expect(setUp.exchanges()).toBe(1)
    expect(setUp.events.map(({ type }) => type)).toEqual(['grant.exchanged'])
  })

  it('[D08] live no longer there than they may be used', async () => {
    await redis.flushall()
    const setUp = process()
    await tokenOf(setUp, alice, calendar)
    await tokenOf(setUp, caller('brief', { expiresAt: setUp.clock.now() / 1000 + 60 }), calendar)
    const lifetimes = await Promise.all([...(await entries()).keys()].map((name) => redis.pttl(name)))
    lifetimes.sort((one, other) => one - other)
    expect(lifetimes[0]).toBeGreaterThan(50_000)
    expect(lifetimes[0]).toBeLessThanOrEqual(60_000)
    expect(lifetimes[1]).toBeGreaterThan(3_560_000)
    expect(lifetimes[1]).toBeLessThanOrEqual(3_570_000)
  })

  it('[TX-12] are exchanged anew, with an event, while Redis does not answer', async () => {
    await redis.flushall()
    const options = { client: redis, timeoutMs: 50 }
    const setUp = setUpGrants({
      store: createRedisGrantStore({ ...options, keys: [key] }),
      lock: createRedisLockStore(options),
    })
    server.pause()
    try {
      expect(await tokenOf(setUp, alice, calendar)).toContain('alice-token')
    } finally {
      server.resume()
    }
    const failed = setUp.events.filter(({ type }) => type === 'store.failed')
    expect(failed.length).toBeGreaterThanOrEqual(2)
    for (const event of failed) expect(event).toMatchObject({ store: 'grants', failedOpen: true })
  })

  it('[D01] [D06] are exchanged once, also when four processes want them at the same time', async () => {
    await redis.flushall()
    const script = await bundledScript('support/grant-once')
    const children = Array.from({ length: 4 }, () => {
      const flags = [script, String(server.port), '25']
      const child = spawn(globalThis.process.execPath, flags, { stdio: ['pipe', 'pipe', 'inherit'] })
      return { child, output: child.stdout.setEncoding('utf8') }
    })
    await Promise.all(children.map(({ output }) => once(output, 'data')))
    const results = children.map(({ output }) => once(output, 'data'))
    for (const { child } of children) child.stdin.end('go\n')
    const lines = (await Promise.all(results)).map(([line]) => String(line).trim())
    await Promise.all(children.map(({ child }) => child.exitCode ?? once(child, 'exit')))
    expect(lines).toEqual(Array.from({ length: 4 }, () => 'token-1'))
    expect(await redis.get('exchanges')).toBe('1')
  })
})
