import { Redis } from 'ioredis'
import { Auth, createGrants } from '../../src/index.js'
import { createRedisGrantStore, createRedisLockStore } from '../../src/stores/redis/index.js'

/**
 * One of several processes: waits for a line on stdin, wants one token many times at once through the shared cache and
 * the shared lock, prints the tokens it got. The exchange takes a while and is counted in Redis.
 */
const [port = '', times = ''] = process.argv.slice(2)
const redis = new Redis({ host: '127.0.0.1', port: Number(port) })
await redis.ping()
const options = { client: redis, timeoutMs: 20_000 }
const grants = createGrants({
  store: createRedisGrantStore({ ...options, keys: [{ id: 'k', secret: new Uint8Array(32).fill(7) }] }),
  lock: createRedisLockStore(options),
  client: {
    issuer: 'https://as.example',
    clientId: 'gateway',
    async exchangeToken() {
      const count = await redis.incr('exchanges')
      await new Promise((resolve) => setTimeout(resolve, 200))
      return {
        accessToken: `token-${count}`,
        tokenType: 'Bearer',
        expiresAt: Math.floor(Date.now() / 1000) + 3600,
        scope: [],
        issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
      }
    },
  },
})
const calendar = 'https://calendar.example/'
const verified = {
  issuer: 'https://as.example',
  subject: 'user-1',
  clientId: 'app',
  scopes: [],
  roles: [],
  tenant: undefined,
  claims: {},
  expiresAt: undefined,
  actor: undefined,
  isClientToken: undefined,
}
const alice = new Auth('alice-token', 'Bearer', 'https://api.example', verified, undefined)
const acquire = grants.prepare([calendar])
console.log('ready')
await new Promise((resolve) => process.stdin.once('data', resolve))
const outcomes = await Promise.all(Array.from({ length: Number(times) }, () => acquire(alice)))
console.log([...new Set(outcomes.map(({ access }) => access.token(calendar)))].join())
redis.disconnect()
process.exit(0)
