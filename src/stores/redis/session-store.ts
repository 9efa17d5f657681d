import { anything, checkOptions } from '../../kit/options.js'
import type { SessionStore } from '../contract.js'
import { createSealer, type SealKey } from '../sealer.js'
import { createRedisConnection, type RedisStoreOptions, redisRules } from './send-command.js'

/** Options of {@link createRedisSessionStore}. @group Sessions */
export interface RedisSessionStoreOptions extends RedisStoreOptions {
  /** The key ring that encrypts sessions at rest: the first key seals, all of them open. Share it within the fleet. */
  readonly keys: readonly SealKey[]
}

/**
 * Keeps sessions in Redis for a fleet, encrypted: AES-256-GCM with a fresh nonce each, bound to the entry's key, so that
 * entries cannot be swapped. An entry that does not open counts as absent. One command on one key each, so that Redis
 * Cluster and Valkey serve it too. Rejects when Redis fails or is late. Default prefix `portcullis:session:`.
 *
 * A session that Redis loses in a failover signs a user out; a logout that it loses there lets a session live until its
 * end: asynchronous replication has that gap.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown, or an unusable key ring.
 * @group Sessions
 */
export function createRedisSessionStore(options: RedisSessionStoreOptions): SessionStore {
  checkOptions('createRedisSessionStore', options, { ...redisRules, keys: anything })
  const { send, prefix } = createRedisConnection(options, 'portcullis:session:')
  const sealer = createSealer(options.keys)

  async function write(key: string, session: string, ttlMs: number, ...condition: string[]): Promise<boolean> {
    const place = prefix + key
    const sealed = await sealer.seal(session, place)
    return (await send('SET', place, sealed, 'PX', String(Math.max(1, Math.ceil(ttlMs))), ...condition)) !== null
  }

  return Object.freeze<SessionStore>({
    // `null`, where there is none, opens like an altered entry: as `undefined`.
    get: async (key) => sealer.open(String(await send('GET', prefix + key)), prefix + key),
    set: async (key, session, ttlMs) => void (await write(key, session, ttlMs)),
    touch: (key, session, ttlMs) => write(key, session, ttlMs, 'XX'),
    delete: async (key) => Number(await send('DEL', prefix + key)) === 1,
  })
}
