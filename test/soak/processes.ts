import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { World } from './open-tokens.js'
import type { Answered, Order, Report } from './worker.js'

const root = join(import.meta.dirname, '..', '..')

type Targets = Readonly<Record<string, { readonly node?: string; readonly default: string }>>

const { imports, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly imports: Targets
  readonly exports: Targets
}

/** The entries of the package and its platform files, from source. */
const fromSource: Plugin = {
  name: 'from-source',
  setup(builder) {
    builder.onResolve({ filter: /^(#|portcullis\/)/ }, ({ path }) => {
      const target = imports[path] ?? exports[path.replace('portcullis', '.')]
      const built = target?.node ?? target?.default
      return built === undefined ? undefined : { path: join(root, built.replace(/^\.\/dist\/(.+)\.js$/, '$1.ts')) }
    })
  },
}

/** Makes one file of the worker: a process then starts ten times as fast. */
export async function buildWorker(): Promise<string> {
  const folder = join(root, 'node_modules', '.cache', 'portcullis-soak')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `worker-${process.pid}.mjs`)
  await build({
    ...{ entryPoints: [join(import.meta.dirname, 'worker.ts')], outfile, plugins: [fromSource] },
    ...{
      bundle: true,
      external: ['@napi-rs/keyring'],
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'warning',
    },
  })
  return outfile
}

/** A process that obeys. */
export interface Worker {
  /** `undefined` where the process ended before it could report. */
  run(order: Order): Promise<Report | undefined>
  stop(): Promise<void>
}

export async function startWorker(script: string, world: World): Promise<Worker> {
  const child: ChildProcess = fork(script, [JSON.stringify(world)], { execArgv: [] })
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
