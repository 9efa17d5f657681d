export { createRedisReplayStore } from './replay-store.js'
export { createRedisRevocationStore } from './revocation-store.js'
export type { IoredisClient, NodeRedisClient, RedisClient, RedisStoreOptions } from './send-command.js'
