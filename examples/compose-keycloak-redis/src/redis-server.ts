import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** A Redis of this machine's `redis-server`, on a socket of its own and with nothing on disk. */
export async function startRedis() {
  const folder = await mkdtemp(join(tmpdir(), 'notes-redis-'))
  const path = join(folder, 'redis.sock')
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', path, '--save', ''], { stdio: 'ignore' })
  await once(server, 'spawn') // rejects where there is no `redis-server`
  const connect = () => new Redis({ path })
  return {
    connect,
    async stop() {
      server.kill()
      await once(server, 'exit')
      await rm(folder, { recursive: true })
    },
  }
}
