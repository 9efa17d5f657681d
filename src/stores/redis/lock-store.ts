import type { LockStore } from '../contract.js'
import { createRedisConnection, type RedisStoreOptions } from './send-command.js'

const releaseIfMine =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end"

/**
 * Makes a lock in Redis: `SET NX PX` with a random value, given back only by its holder. Good for doing work once, not
 * for correctness: a lock that expires, or that a failover loses, lets a second holder in. Rejects when Redis fails or is
 * late. Default prefix `portcullis:lock:`.
 *
 * @throws `ConfigurationError` for a client that is neither of `ioredis` nor of `redis`.
 * @group Stores
 */
export function createRedisLockStore(options: RedisStoreOptions): LockStore {
  const { send, run } = createRedisConnection(options)
  const prefix = options.prefix ?? 'portcullis:lock:'
  return {
    async acquire(key, ttlMs) {
      const holder = crypto.randomUUID()
      const answer = await send('SET', prefix + key, holder, 'NX', 'PX', String(Math.max(1, Math.ceil(ttlMs))))
      if (answer === null) return undefined
      if (String(answer) !== 'OK') throw new TypeError('unexpected answer to SET')
      return async () => {
        await run(releaseIfMine, prefix + key, holder)
      }
    },
  }
}
