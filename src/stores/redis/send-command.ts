import { ConfigurationError } from '../../errors/index.js'
import { anything, integer, type Rules, takes } from '../../kit/options.js'
import { withTimeLimit } from '../../kit/time-limit.js'

/** An `ioredis` client or cluster, as far as it is used here. @group Stores */
export interface IoredisClient {
  /** Sends one command. */
  call(command: string, ...args: string[]): Promise<unknown>
}

/**
 * A `redis` (node-redis) client, pool, cluster or sentinel. Their `sendCommand` takes other parameters each, so it is
 * not typed further; which one it is shows when the store is made.
 *
 * @group Stores
 */
export interface NodeRedisClient {
  /** Sends one command. */
  // biome-ignore lint/suspicious/noExplicitAny: the one type that the differing signatures have in common
  sendCommand(...args: any[]): Promise<unknown>
}

/** A Redis client that the application made, connected and watches. @group Stores */
export type RedisClient = IoredisClient | NodeRedisClient

/** Where a Redis store keeps its entries. @group Stores */
export interface RedisStoreOptions {
  readonly client: RedisClient
  /**
   * Goes before every key, after the `keyPrefix` of an `ioredis` client. Give servers that must not share entries different
   * ones.
   */
  readonly prefix?: string | undefined
  /** How long one command may take, reconnecting included. Default 1000. */
  readonly timeoutMs?: number | undefined
}

/** Where a store keeps its entries, and ways to talk to Redis there, always about one key, always to the node that writes it: replicas lag. */
export interface RedisConnection {
  /** Goes before every key. */
  readonly prefix: string
  /** How long one command may take. */
  readonly timeoutMs: number
  /** Sends a command whose first argument is the key. Rejects when Redis does not answer in time. */
  send(command: string, key: string, ...args: string[]): Promise<unknown>
  /** Runs a Lua script on one key, atomically. Rejects when Redis does not answer in time. */
  run(script: string, key: string, ...args: string[]): Promise<unknown>
}

const longestTimeoutMs = 60_000

/** What every Redis store checks. */
export const redisRules: Rules<RedisStoreOptions> = {
  client: anything,
  prefix: takes((value) => typeof value === 'string', 'text; leave it out for the default'),
  timeoutMs: integer(1, longestTimeoutMs),
}

/**
 * Finds out once how the client of a store wants its commands. The options were checked by {@link redisRules}.
 *
 * @throws {@link ConfigurationError} for a client that is neither of `ioredis` nor of `redis`.
 */
export function createRedisConnection(options: RedisStoreOptions, defaultPrefix: string): RedisConnection {
  const { client, prefix = defaultPrefix, timeoutMs = 1000 } = options
  const transmit = detect(client)
  const transmitInTime: Transmit = (...about) => withTimeLimit(timeoutMs, async () => transmit(...about))
  return {
    prefix,
    timeoutMs,
    send: (command, key, ...args) => transmitInTime(key, [command, key, ...args]),
    run: (script, key, ...args) => transmitInTime(key, ['EVAL', script, '1', key, ...args]),
  }
}

type Transmit = (key: string, command: readonly [string, ...string[]]) => Promise<unknown>

function detect(client: unknown): Transmit {
  if (hasMethod(client, 'call')) return (_key, command) => client.call(...command)
  if (!hasMethod(client, 'sendCommand')) {
    throw new ConfigurationError('`client` takes a client made with ioredis or with redis (node-redis).')
  }
  if (hasMethod(client, 'getSlotRandomNode')) return (key, command) => client.sendCommand(key, false, command)
  if (hasMethod(client, 'getSentinelNode')) return (_key, command) => client.sendCommand(false, command)
  return (_key, command) => client.sendCommand(command)
}

function hasMethod<Name extends string>(
  value: unknown,
  name: Name,
): value is Record<Name, (...args: unknown[]) => Promise<unknown>> {
  return typeof value === 'object' && value !== null && name in value && typeof Reflect.get(value, name) === 'function'
}
