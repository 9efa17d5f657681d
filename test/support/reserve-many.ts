import { Redis } from 'ioredis'
import { createRedisReplayStore } from '../../src/stores/redis/index.js'

/** One of several processes: waits for a line on stdin, reserves one key many times at once, prints how often it won. */
const [port = '', key = '', times = ''] = process.argv.slice(2)
const client = new Redis({ host: '127.0.0.1', port: Number(port) })
await client.ping()
const store = createRedisReplayStore({ client, timeoutMs: 20_000 })
console.log('ready')
await new Promise((resolve) => process.stdin.once('data', resolve))
const answers = await Promise.all(Array.from({ length: Number(times) }, () => store.reserve(key, 60_000)))
console.log(`won ${answers.filter((answer) => answer).length} of ${answers.length}`)
await client.quit()
process.exit(0)
