import type { RevocationStore } from '../contract.js'
import { createRedisConnection, type RedisStoreOptions } from './send-command.js'

/**
 * Makes a revocation store in Redis, for any number of processes: one `SET key time PX ttl` per revocation and one `GET`
 * per key asked for, so that Redis Cluster and Valkey serve it too. Revoking a key again replaces time and lifetime.
 * Rejects when Redis fails or is late. Default prefix `portcullis:revoked:`.
 *
 * With an `ioredis` cluster whose `scaleReads` names replicas a revocation may show a moment late.
 *
 * @throws `ConfigurationError` for a client that is neither of `ioredis` nor of `redis`.
 * @group Stores
 */
export function createRedisRevocationStore(options: RedisStoreOptions): RevocationStore {
  const { send } = createRedisConnection(options)
  const prefix = options.prefix ?? 'portcullis:revoked:'

  async function revokedAt(key: string): Promise<number | undefined> {
    const answer = await send('GET', prefix + key)
    if (answer === null) return undefined
    const atMs = Number(answer)
    if (Number.isFinite(atMs)) return atMs
    throw new TypeError('unexpected answer to GET')
  }

  return {
    async revoke(key, atMs, ttlMs) {
      await send('SET', prefix + key, String(atMs), 'PX', String(Math.max(1, Math.ceil(ttlMs))))
    },
    revokedAt: (keys) => Promise.all(keys.map(revokedAt)),
  }
}
