import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { World } from './open-tokens.js'
import type { Answered, Order, Report } from './worker.js'

const root = join(import.meta.dirname, '..', '..')

/** The entries of the package and its platform files, from source. */
const fromSource: Plugin = {
  name: 'from-source',
  setup(builder) {
    const files: Readonly<Record<string, string>> = {
      '#crypto': 'src/jws/crypto/node.ts',
      '#network': 'src/kit/fetch/network-node.ts',
      'portcullis/redis': 'src/stores/redis/index.ts',
    }
    builder.onResolve({ filter: /^(#|portcullis\/)/ }, ({ path }) => ({
      path: join(root, files[path] ?? path.replace(/^portcullis\/(.+)$/, 'src/$1/index.ts')),
    }))
  },
}

/** Makes one file of the worker: a process then starts ten times as fast. */
export async function buildWorker(): Promise<string> {
  const folder = join(root, 'node_modules', '.cache', 'portcullis-soak')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `worker-${process.pid}.mjs`)
  await build({
    ...{ entryPoints: [join(import.meta.dirname, 'worker.ts')], outfile, plugins: [fromSource] },
    ...{ bundle: true, packages: 'external', format: 'esm', platform: 'node', target: 'node20', logLevel: 'warning' },
  })
  return outfile
}

/** A process that obeys. */
export interface Worker {
  /** `undefined` where the process ended before it could report. */
  run(order: Order): Promise<Report | undefined>
  stop(): Promise<void>
}

export async function startWorker(script: string, world: World, env: object = {}): Promise<Worker> {
  const child: ChildProcess = fork(script, [JSON.stringify(world)], {
    env: { ...process.env, ...env },
    execArgv: [],
  })
  const waiting = new Map<number, (report: Report) => void>()
  const ended = once(child, 'exit')
  await Promise.race([once(child, 'message'), ended])
  child.on('message', ({ id, report }: Answered) => waiting.get(id)?.(report))
  let count = 0
  return {
    async run(order) {
      count += 1
      const id = count
      const answered = new Promise<Report>((resolve) => void waiting.set(id, resolve))
      child.send({ id, order })
      return Promise.race([answered, ended.then(() => undefined)])
    },
    async stop() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
