import { checkOptions } from '../../kit/options.js'
import type { ReplayStore } from '../contract.js'
import { createRedisConnection, type RedisStoreOptions, redisRules } from './send-command.js'

/**
 * Makes a replay store in Redis, for any number of processes: one `SET key 1 NX PX ttl` per proof, on one key, so that
 * Redis Cluster and Valkey serve it too. Rejects when Redis fails or is late. Default prefix `portcullis:replay:`.
 *
 * A reservation that Redis loses in a failover can be made again: asynchronous replication has that gap.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Stores
 */
export function createRedisReplayStore(options: RedisStoreOptions): ReplayStore {
  checkOptions('createRedisReplayStore', options, redisRules)
  const { send, prefix } = createRedisConnection(options, 'portcullis:replay:')
  return {
    async reserve(key, ttlMs) {
      const answer = await send('SET', prefix + key, '1', 'NX', 'PX', String(Math.max(1, Math.ceil(ttlMs))))
      if (answer === null) return false
      if (String(answer) === 'OK') return true
      throw new TypeError('unexpected answer to SET')
    },
  }
}
