import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** A Redis Cluster of three masters, each with a replica, whose nodes can be killed. */
export interface FleetCluster {
  readonly ports: readonly number[]
  /** Kills the master of a third of the slots as a crash does. Gives its port. */
  killMaster(third: number): number
  /** Waits until a replica took its place, starts it again and waits until it follows. Gives how long the first took. */
  heal(port: number): Promise<number>
  stop(): Promise<void>
}

const nodeTimeoutMs = 1500

/** Starts six servers on loopback and has `redis-cli` make a cluster of them. */
export async function startFleetCluster(): Promise<FleetCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-fleet-'))
  const nodes = new Map<number, { stop(): Promise<void>; kill(): void }>()
  const killAll = () => {
    for (const { kill } of nodes.values()) kill()
  }
  process.once('exit', killAll)
  const ports = await freePorts(6)
  await Promise.all(ports.map(launch))
  const addresses = ports.map((port) => `127.0.0.1:${port}`)
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'], {
    stdio: 'ignore',
    timeout: 60_000,
  })
  await untilWhole(ports)

  async function launch(port: number): Promise<void> {
    const directory = join(folder, String(port))
    mkdirSync(directory, { recursive: true })
    const settings = {
      port,
      bind: '127.0.0.1',
      dir: directory,
      save: '',
      appendonly: 'no',
      'cluster-enabled': 'yes',
      'cluster-port': port + 1,
      'cluster-node-timeout': nodeTimeoutMs,
      'repl-diskless-sync-delay': 0,
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    const child = spawn('redis-server', flags, { stdio: 'ignore' })
    const kill = () => void child.kill('SIGKILL')
    nodes.set(port, {
      kill,
      async stop() {
        if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
      },
    })
    await until(() => answers(port), 10_000)
  }

  return {
    ports,
    killMaster(third) {
      const slot = Math.floor((16_384 / 3) * (third + 0.5))
      const port = masterOf(ports, slot)
      nodes.get(port)?.kill()
      return port
    },
    async heal(port) {
      const startedMs = performance.now()
      const others = ports.filter((one) => one !== port)
      await until(() => isWhole(others, 3, port), 30_000)
      const tookMs = performance.now() - startedMs
      await launch(port)
      await untilWhole(ports)
      return tookMs
    },
    async stop() {
      process.off('exit', killAll)
      await Promise.all([...nodes.values()].map((node) => node.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function ask(port: number, ...command: string[]): string {
  return execFileSync('redis-cli', ['-p', String(port), ...command], { encoding: 'utf8', timeout: 5000 })
}

/** Which of the nodes serves a slot now, as the first that answers sees it. */
function masterOf(ports: readonly number[], slot: number): number {
  for (const port of ports) {
    if (!answers(port)) continue
    const line = ask(port, 'cluster', 'nodes')
      .split('\n')
      .find((one) => {
        const [, , flags = '', , , , , , ...ranges] = one.split(' ')
        const isServed = ranges.some((range) => {
          const [first = Number.NaN, last = first] = range.split('-').map(Number)
          return first <= slot && slot <= last
        })
        return flags.includes('master') && !flags.includes('fail') && isServed
      })
    const [, address = ''] = line?.split(' ') ?? []
    const found = Number(/:(\d+)@/.exec(address)?.[1])
    if (!Number.isNaN(found)) return found
  }
  throw new Error(`no master of slot ${slot}`)
}

function answers(port: number): boolean {
  try {
    return ask(port, 'ping').includes('PONG')
  } catch {
    return false
  }
}

/**
 * Whether all these nodes see every slot served, and know so many masters besides `dead`: right after its death they still
 * take it for one, and a node that is started then comes back as a master that has forgotten everything.
 */
function isWhole(ports: readonly number[], masters: number, dead?: number): boolean {
  return ports.every((port) => {
    const info = answers(port) ? ask(port, 'cluster', 'info') : ''
    const living = info === '' ? '' : ask(port, 'cluster', 'nodes')
    const serving = living
      .split('\n')
      .filter((line) => / (myself,)?master - /.test(line) && /\d+-\d+/.test(line) && !line.includes(`:${dead}@`))
    return /cluster_state:ok/.test(info) && serving.length === masters
  })
}

async function untilWhole(ports: readonly number[]): Promise<void> {
  await until(() => isWhole(ports, 3), 30_000)
  await until(() => ports.every(follows), 30_000)
}

function follows(port: number): boolean {
  const info = ask(port, 'info', 'replication')
  return /role:master/.test(info) ? /connected_slaves:[1-9]/.test(info) : /master_link_status:up/.test(info)
}

async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const startedMs = performance.now()
  while (!holds()) {
    if (performance.now() - startedMs > limitMs) throw new Error('the cluster did not come up')
    await wait(100)
  }
}

/** Pairs of ports that are free: one for clients, and the next for the bus of the cluster. */
async function freePorts(count: number): Promise<readonly number[]> {
  const found: number[] = []
  for (let port = 21_000 + (process.pid % 5000) * 2; found.length < count; port += 2) {
    if ((await isFree(port)) && (await isFree(port + 1))) found.push(port)
  }
  return found
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  const free = await listening
  if (free) await new Promise((resolve) => server.close(resolve))
  return free
}
