import { parseJsonObject } from '../../kit/json.js'
import { anything, checkOptions } from '../../kit/options.js'
import type { GrantStore, StoredGrant } from '../contract.js'
import { createSealer, type SealKey } from '../sealer.js'
import { createRedisConnection, type RedisStoreOptions, redisRules } from './send-command.js'

/** Options of {@link createRedisGrantStore}. @group Stores */
export interface RedisGrantStoreOptions extends RedisStoreOptions {
  /** The key ring that encrypts tokens at rest: the first key seals, all of them open. Share it within the fleet. */
  readonly keys: readonly SealKey[]
}

/**
 * Keeps exchanged tokens in Redis for a fleet, encrypted: AES-256-GCM with a fresh nonce each, bound to the entry's key,
 * so that entries cannot be swapped. An entry that does not open counts as absent. Default prefix `portcullis:grant:`.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown, or an unusable key ring.
 * @group Stores
 */
export function createRedisGrantStore(options: RedisGrantStoreOptions): GrantStore {
  checkOptions('createRedisGrantStore', options, { ...redisRules, keys: anything })
  const { send, prefix } = createRedisConnection(options, 'portcullis:grant:')
  const sealer = createSealer(options.keys)
  return {
    async get(key) {
      // `null`, where there is none, opens like an altered entry: as `undefined`.
      const opened = await sealer.open(String(await send('GET', prefix + key)), prefix + key)
      return opened === undefined ? undefined : readGrant(opened)
    },
    async set(key, grant, ttlMs) {
      const sealed = await sealer.seal(JSON.stringify(grant), prefix + key)
      await send('SET', prefix + key, sealed, 'PX', String(Math.max(1, Math.floor(ttlMs))))
    },
    async delete(key) {
      await send('DEL', prefix + key)
    },
  }
}

const members = ['accessToken', 'tokenType', 'expiresAt', 'scope', 'issuedTokenType']

function readGrant(text: string): StoredGrant | undefined {
  const value = parseJsonObject(text)
  if (value === undefined || !members.every((name) => Object.hasOwn(value, name))) return undefined
  return value as unknown as StoredGrant
}
