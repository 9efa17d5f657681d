import { checkOptions } from '../../kit/options.js'
import type { RevocationStore } from '../contract.js'
import { createRedisConnection, type RedisStoreOptions, redisRules } from './send-command.js'

const keepLatest = `
local at, ttl = ARGV[1], math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1]))
local known = redis.call('GET', KEYS[1])
if known and (tonumber(known) or 0) > tonumber(at) then at = known end
return redis.call('SET', KEYS[1], at, 'PX', ttl)`

/**
 * Makes a revocation store in Redis, for any number of processes: one small script per revocation, which keeps the later
 * time and the longer lifetime, and one `GET` per key asked for; each on one key, so that Redis Cluster and Valkey serve
 * it too. Needs the right to `EVAL`. Rejects when Redis fails or is late. Default prefix `portcullis:revoked:`.
 *
 * With an `ioredis` cluster whose `scaleReads` names replicas a revocation may show a moment late.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Stores
 */
export function createRedisRevocationStore(options: RedisStoreOptions): RevocationStore {
  checkOptions('createRedisRevocationStore', options, redisRules)
  const { send, run, prefix } = createRedisConnection(options, 'portcullis:revoked:')

  async function revokedAt(key: string): Promise<number | undefined> {
    const answer = await send('GET', prefix + key)
    if (answer === null) return undefined
    const atMs = Number(answer)
    if (Number.isFinite(atMs)) return atMs
    throw new TypeError('unexpected answer to GET')
  }

  return {
    async revoke(key, atMs, ttlMs) {
      await run(keepLatest, prefix + key, String(atMs), String(Math.max(1, Math.ceil(ttlMs))))
    },
    revokedAt: (keys) => Promise.all(keys.map(revokedAt)),
  }
}
