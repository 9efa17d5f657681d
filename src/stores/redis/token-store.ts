import { TokenStoreError } from '../../errors/index.js'
import { type Clock, systemClock } from '../../kit/clock.js'
import { checkOptions, func, integer, type Rules } from '../../kit/options.js'
import type { StoredTokens, TokenLifetime, TokenStore } from '../contract.js'
import { createEntrySealer, sealingRules, type TokenSealing } from '../encrypted/entry-sealer.js'
import {
  answer,
  checkTokenEntry,
  checkTokenKey,
  damaged,
  endOfLife,
  storeFailure,
  type TokenEnvelope,
  unlessDamaged,
} from '../token-entry.js'
import { scanNames } from './scan.js'
import { createRedisConnection, type RedisStoreOptions, redisRules } from './send-command.js'

/** Options of {@link createRedisTokenStore}. @group Token stores */
export interface RedisTokenStoreOptions extends RedisStoreOptions, TokenSealing {
  /** How long an entry is kept without a `ttlMs`, and at most with one. In seconds. Default 2,592,000 (30 days). */
  readonly maxLifetimeSeconds?: number | undefined
  /** Default: the system clock. Only checks what it hands to Redis, whose own clock ends entries. */
  readonly clock?: Clock | undefined
}

const maxListed = 100_000

const rules: Rules<RedisTokenStoreOptions> = {
  ...redisRules,
  ...sealingRules,
  maxLifetimeSeconds: integer(1, 315_360_000),
  clock: func,
}

/** `ARGV`: what has to be there (`any`, `nothing`, `version`), that version, the new version, the sealed entry, its time. */
const writeIf = `
local kept = redis.call('HGET', KEYS[1], 'version')
if ARGV[1] == 'nothing' and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if ARGV[1] == 'version' and kept ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] == '' then return 1 end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'sealed', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1`

/**
 * Keeps tokens in Redis for a fleet, sealed as `createEncryptedTokenStore` does; keys become HMACs. `replace` is one Lua
 * script on one key, so that Redis Cluster and Valkey serve it too; needs the right to `EVAL`, and to `SCAN` for `keys`.
 * Give entries the life of their refresh token as `ttlMs`, not that of the access token. Default prefix
 * `portcullis:tokens:`.
 *
 * A failover may lose the last writes, or bring back an older entry: asynchronous replication has that gap.
 *
 * @throws `ConfigurationError` for an option that is wrong or unknown, or an unusable key ring.
 * @group Token stores
 */
export function createRedisTokenStore(options: RedisTokenStoreOptions): TokenStore {
  checkOptions('createRedisTokenStore', options, rules)
  const { send, run, prefix, timeoutMs } = createRedisConnection(options, 'portcullis:tokens:')
  const { clock = systemClock, maxLifetimeSeconds = 2_592_000 } = options
  const maxLifetimeMs = 1000 * maxLifetimeSeconds
  const sealer = createEntrySealer('redis', options)

  async function placeOf(key: string): Promise<string> {
    checkTokenKey(key)
    return prefix + (await sealer.nameOf(key))
  }

  async function read(place: string, key?: string): Promise<TokenEnvelope | undefined> {
    const [version, sealed] = (await send('HMGET', place, 'version', 'sealed')) as readonly unknown[]
    if (isMissing(version) && isMissing(sealed)) return undefined
    if (isMissing(version) || isMissing(sealed)) throw damaged('An entry is cut short.')
    return sealer.open(place, String(sealed), String(version), key)
  }

  async function write(
    condition: readonly ['any' | 'nothing' | 'version', string],
    key: string,
    entry: StoredTokens,
    lifetime: TokenLifetime | undefined,
  ): Promise<boolean> {
    checkTokenEntry(entry)
    const place = await placeOf(key)
    const nowMs = clock()
    const expiresAtMs = Math.min(endOfLife(lifetime, nowMs) ?? Number.POSITIVE_INFINITY, nowMs + maxLifetimeMs)
    const sealed = await sealer.seal(place, { key, entry, expiresAtMs: undefined })
    const ttl = String(Math.max(1, Math.ceil(expiresAtMs - nowMs)))
    return Number(await run(writeIf, place, ...condition, entry.version, sealed, ttl)) === 1
  }

  return Object.freeze<TokenStore>({
    get: (key) => answer(async () => (await read(await placeOf(key), key))?.entry),
    set: (key, entry, lifetime) => answer(async () => void (await write(['any', ''], key, entry, lifetime))),
    replace: (key, expectedVersion, next, lifetime) =>
      answer(async () => {
        const condition =
          expectedVersion === undefined ? (['nothing', ''] as const) : (['version', expectedVersion] as const)
        if (next !== undefined) return write(condition, key, next, lifetime)
        return Number(await run(writeIf, await placeOf(key), ...condition, '')) === 1
      }),
    delete: (key) => answer(async () => Number(await send('DEL', await placeOf(key))) === 1),
    has: (key) => answer(async () => Number(await send('EXISTS', await placeOf(key))) === 1),
    async *keys(wanted = '') {
      try {
        let listed = 0
        for await (const place of scanNames(options, prefix)) {
          listed += 1
          if (listed > maxListed) throw tooMany()
          const envelope = await unlessDamaged(read(place))
          if (envelope?.key.startsWith(wanted)) yield envelope.key
        }
      } catch (error) {
        throw storeFailure(error)
      }
    },
    describe: () => ({ kind: 'redis', atRest: 'encrypted', location: prefix, persistent: true, timeoutMs }),
  })
}

function isMissing(field: unknown): boolean {
  return field === null || field === undefined
}

function tooMany(): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_STORE_CONFIGURATION', `Redis holds more than ${maxListed} entries to list.`)
}
