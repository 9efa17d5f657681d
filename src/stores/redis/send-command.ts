import { ConfigurationError } from '../../errors/index.js'
import { withDeadline } from '../../lib/deadline.js'

/** An `ioredis` client or cluster, as far as it is used here. @group Stores */
export interface IoredisClient {
  call(command: string, ...args: string[]): Promise<unknown>
}

/**
 * A `redis` (node-redis) client, pool, cluster or sentinel. Their `sendCommand` takes other parameters each, so it is
 * not typed further; which one it is shows when the store is made.
 *
 * @group Stores
 */
export interface NodeRedisClient {
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

/**
 * Sends one single-key command whose key is the first argument, to the node that writes it: replicas lag. Rejects when
 * Redis does not answer in time.
 */
export type SendCommand = (command: string, key: string, ...args: string[]) => Promise<unknown>

const longestTimeoutMs = 60_000

/**
 * Finds out once how a client wants its commands.
 *
 * @throws {@link ConfigurationError} for anything but a client of `ioredis` or `redis`, and for a wrong timeout.
 */
export function createSendCommand({ client, timeoutMs = 1000 }: RedisStoreOptions): SendCommand {
  if (!(timeoutMs > 0 && timeoutMs <= longestTimeoutMs)) {
    throw new ConfigurationError(`\`timeoutMs\` takes a number from 1 to ${longestTimeoutMs}; leave it out for 1000.`)
  }
  const send = detect(client)
  return (...command) => withDeadline(timeoutMs, async () => send(...command))
}

function detect(client: unknown): SendCommand {
  if (hasMethod(client, 'call')) return (command, ...args) => client.call(command, ...args)
  if (!hasMethod(client, 'sendCommand')) {
    throw new ConfigurationError('`client` takes a client made with ioredis or with redis (node-redis).')
  }
  if (hasMethod(client, 'getSlotRandomNode')) {
    return (command, key, ...args) => client.sendCommand(key, false, [command, key, ...args])
  }
  if (hasMethod(client, 'getSentinelNode')) return (...command) => client.sendCommand(false, command)
  return (...command) => client.sendCommand(command)
}

function hasMethod<Name extends string>(
  value: unknown,
  name: Name,
): value is Record<Name, (...args: unknown[]) => Promise<unknown>> {
  return typeof value === 'object' && value !== null && name in value && typeof Reflect.get(value, name) === 'function'
}
