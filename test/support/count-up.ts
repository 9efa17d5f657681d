import { randomUUID } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import { createTokenStore, type TokenStoreSettings } from '../../src/native/index.js'

/**
 * One of several processes: waits for a line on stdin, then counts up the number kept under a key, by compare-and-swap.
 * In the settings `port` and `cluster` stand for a Redis client, `seed` for secrets.
 */
const [settings = '', key = '', times = ''] = process.argv.slice(2)
const { port, cluster, seed, ...options } = JSON.parse(settings) as Record<string, unknown>
const node = { host: '127.0.0.1', port: Number(port) }
const client = port === undefined ? undefined : cluster ? new Cluster([node]) : new Redis(node)
const secret = typeof seed === 'number' ? new Uint8Array(32).fill(seed) : undefined
const store = createTokenStore({
  ...options,
  ...(secret && { keys: [{ id: 'k', secret }], nameSecret: secret }),
  ...(client && { client, timeoutMs: 20_000 }),
} as TokenStoreSettings)
await store.get(key)
console.log('ready')
await new Promise((resolve) => process.stdin.once('data', resolve))
for (let done = 0; done < Number(times); ) {
  const found = await store.get(key)
  const tokens = String(Number(found?.tokens ?? 0) + 1)
  const next = { v: 1, version: randomUUID(), tokens, savedAt: 1_800_000_000 } as const
  if (await store.replace(key, found?.version, next)) done += 1
}
client?.disconnect()
