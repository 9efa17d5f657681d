import { checkOptions } from '../../kit/options.js'
import type { LockStore } from '../contract.js'
import { createRedisConnection, type RedisStoreOptions, redisRules } from './send-command.js'

const releaseIfMine =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end"
const extendIfMine =
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) else return 0 end"

/**
 * Makes a lock in Redis: `SET NX PX` with a random value of each holder, which two small scripts compare before they
 * extend or delete; all on one key, so that Redis Cluster and Valkey serve it too. Needs the right to `EVAL`. Rejects
 * when Redis fails or is late. Default prefix `portcullis:lock:`.
 *
 * A failover may lose a lease and let a second holder in; the first one learns of it at its next `extend`.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown.
 * @group Stores
 */
export function createRedisLockStore(options: RedisStoreOptions): LockStore {
  checkOptions('createRedisLockStore', options, redisRules)
  const { send, run, prefix } = createRedisConnection(options, 'portcullis:lock:')

  async function release(key: string, holder: string): Promise<void> {
    await run(releaseIfMine, prefix + key, holder)
  }

  return {
    async acquire(key, ttlMs) {
      const holder = crypto.randomUUID()
      const answer = await send('SET', prefix + key, holder, 'NX', 'PX', milliseconds(ttlMs)).catch(
        (error: unknown) => {
          // It may have been done all the same: a lease that nobody knows of would keep others out for its whole time.
          void release(key, holder).catch(() => {})
          throw error
        },
      )
      if (answer === null) return undefined
      if (String(answer) !== 'OK') throw new TypeError('unexpected answer to SET')
      return {
        extend: async (longerMs) => Number(await run(extendIfMine, prefix + key, holder, milliseconds(longerMs))) === 1,
        release: () => release(key, holder),
      }
    },
  }
}

function milliseconds(ttlMs: number): string {
  return String(Math.max(1, Math.ceil(ttlMs)))
}
