import { ConfigurationError } from '../../errors/index.js'
import { checkNames } from '../../kit/check.js'
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
  /** Goes before every key. Give servers that must not share entries different ones. */
  readonly prefix?: string | undefined
  /** How long one command may take, reconnecting included. Default 1000. */
  readonly timeoutMs?: number | undefined
}

/** Where a store keeps its entries, and ways to talk to Redis there, always about one key, always to the node that writes it: replicas lag. */
export interface RedisConnection {
  /** Goes before every key. */
  readonly prefix: string
  /** Sends a command whose first argument is the key. Rejects when Redis does not answer in time. */
  send(command: string, key: string, ...args: string[]): Promise<unknown>
  /** Runs a Lua script on one key, atomically. Rejects when Redis does not answer in time. */
  run(script: string, key: string, ...args: string[]): Promise<unknown>
}

const longestTimeoutMs = 60_000

/**
 * Checks the options of a Redis store, and finds out once how its client wants its commands.
 *
 * @param more - names of options that this store has besides those of {@link RedisStoreOptions}.
 * @throws {@link ConfigurationError} for a client that is neither of `ioredis` nor of `redis`, for a wrong `prefix` or
 * `timeoutMs`, and for unknown names.
 */
export function createRedisConnection(
  what: string,
  options: RedisStoreOptions,
  defaultPrefix: string,
  more: readonly string[] = [],
): RedisConnection {
  // Options of five stores: which names each has besides is told by `more`, and not compared by the compiler.
  checkNames(what, options as unknown as Record<string, unknown>, ['client', 'prefix', 'timeoutMs', ...more])
  const { client, prefix = defaultPrefix, timeoutMs = 1000 } = options
  if (typeof prefix !== 'string') throw new ConfigurationError('`prefix` takes text; leave it out for the default.')
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0 && timeoutMs <= longestTimeoutMs)) {
    throw new ConfigurationError(`\`timeoutMs\` takes a number from 1 to ${longestTimeoutMs}; leave it out for 1000.`)
  }
  const transmit = detect(client)
  const transmitInTime: Transmit = (...about) => withTimeLimit(timeoutMs, async () => transmit(...about))
  return {
    prefix,
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
