/**
 * Portcullis across processes: replay reservations, revocations, exchanged tokens, tokens and sessions of users, and locks in Redis,
 * Valkey or Redis Cluster, over the client the application already has.
 *
 * @module
 */

export type { SealKey } from '../sealer.js'
export { createRedisGrantStore, type RedisGrantStoreOptions } from './grant-store.js'
export { createRedisLockStore } from './lock-store.js'
export { createRedisReplayStore } from './replay-store.js'
export { createRedisRevocationStore } from './revocation-store.js'
export type { IoredisClient, NodeRedisClient, RedisClient, RedisStoreOptions } from './send-command.js'
export { createRedisSessionStore, type RedisSessionStoreOptions } from './session-store.js'
export { createRedisTokenStore, type RedisTokenStoreOptions } from './token-store.js'
