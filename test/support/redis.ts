import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { freePort } from './loopback-server.js'

/** A Redis of our own, on a free port of the loopback interface. */
export interface RedisServer {
  readonly port: number
  /** Stops the process from answering, as a hanging server does, and lets it go on. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

/** `REDIS_SERVER` names another server of the same protocol, such as `valkey-server`. */
const binary = process.env['REDIS_SERVER'] ?? 'redis-server'

/**
 * Whether a Redis can be started here; installs one as root where it is missing. Where it cannot, says loudly which
 * tests did not run; on CI that is an error.
 */
export function hasRedis(tests: string): boolean {
  if (isInstalled() || install()) return true
  const message = `No redis-server here, so these tests did NOT run: ${tests}. Install it, or run them as root.`
  if (process.env['CI']) throw new Error(message)
  console.error(`\n!!! ${message}\n`)
  return false
}

function isInstalled(): boolean {
  return spawnSync(binary, ['--version']).status === 0
}

function install(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    execFileSync('/usr/bin/apt-get', ['install', '-y', 'redis-server'], { stdio: 'ignore', timeout: 50_000 })
  } catch {}
  return isInstalled()
}

/** Starts a Redis that keeps nothing on disk; further lines go to its configuration. */
export async function startRedis(configuration: readonly string[] = []): Promise<RedisServer> {
  return start([], ['save ""', 'appendonly no', ...configuration])
}

/** Starts a sentinel that watches one Redis under the name `main`. */
export async function startSentinel(watchedPort: number): Promise<RedisServer> {
  return start(['--sentinel'], [`sentinel monitor main 127.0.0.1 ${watchedPort} 1`])
}

/** A Redis Cluster of three masters, a third of the slots each. */
export interface RedisCluster {
  readonly ports: readonly number[]
  stop(): Promise<void>
}

/** Starts three servers and has `redis-cli` make a cluster of them. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const servers = await Promise.all(
    Array.from({ length: 3 }, async () => startRedis(['cluster-enabled yes', `cluster-port ${await freePort()}`])),
  )
  const ports = servers.map(({ port }) => port)
  const addresses = ports.map((port) => `127.0.0.1:${port}`)
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], {
    stdio: 'ignore',
    timeout: 50_000,
  })
  return {
    ports,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

async function start(flags: readonly string[], configuration: readonly string[]): Promise<RedisServer> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-redis-'))
  const file = join(directory, 'redis.conf')
  writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${directory}`, ...configuration].join('\n'))
  const child = spawn(binary, [file, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  await untilReady(child.stdout)
  return {
    port,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    async stop() {
      process.off('exit', kill)
      if (child.exitCode === null && kill()) await once(child, 'exit')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function untilReady(output: Readable): Promise<void> {
  let text = ''
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (/Ready to accept connections|Sentinel ID is/.test(text)) return void output.resume()
  }
  throw new Error(`redis-server did not start:\n${text}`)
}
