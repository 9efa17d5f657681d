import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import type { Relayed } from './contract-in-worker.js'

/** The Workers that tests run in are made for. */
export const compatibility = { date: '2026-05-01', flags: ['nodejs_compat'] } as const

/** What came of one test. */
export interface Outcome {
  /** The test file, as a path below `test` without `.test.ts`. */
  readonly file: string
  readonly title: string
  /** Undefined where it passed. */
  readonly failure: string | undefined
}

const own = import.meta.dirname
const root = join(own, '..', '..')
const contracts = ['adapters/fetch.contract', 'adapters/hono.contract']
const caseLimitMs = 20_000

/** Runs the contract of the adapters of Fetch in workerd, over HTTP. `consumer` has the package installed. */
export async function runContractInWorkerd(workerd: string, consumer: string): Promise<readonly Outcome[]> {
  await bundleWorker(consumer)
  const relay = createServer((incoming, answer) => {
    relayed(incoming).then(
      (response) => answer.end(JSON.stringify(response)),
      (error) => answer.writeHead(502).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  writeFileSync(join(consumer, 'worker.capnp'), configuration((relay.address() as AddressInfo).port))
  const running = spawn(workerd, ['serve', 'worker.capnp', '--control-fd=3'], {
    cwd: consumer,
    stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
  })
  try {
    const port = await portOf(running)
    const ask = async <Answer>(query = '') => {
      const { body } = await send({ port, path: `/${query}`, headers: ['Host', `cases.localhost:${port}`] })
      return JSON.parse(body) as Answer
    }
    const outcomes: Outcome[] = []
    for (const [index, title] of (await ask<readonly string[]>()).entries()) {
      const { failure } = await ask<Partial<Outcome>>(`?run=${index}`).catch((error) => ({ failure: String(error) }))
      outcomes.push({ file: contracts.join(), title, failure })
    }
    return outcomes
  } finally {
    running.kill()
    relay.close()
    relay.closeAllConnections()
  }
}

async function relayed(incoming: NodeJS.ReadableStream): Promise<Relayed> {
  const sent = JSON.parse(await text(incoming))
  return send({ ...sent, headers: [...sent.headers, 'CF-Connecting-IP', '127.0.0.1'] })
}

interface Sent {
  readonly port: number
  readonly path: string
  readonly headers: readonly string[]
  readonly method?: string
  readonly body?: string
}

function send({ port, path, headers, method = 'GET', body = '' }: Sent): Promise<Relayed> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false, timeout: caseLimitMs }
    const sent = request(options, (response) => {
      const { statusCode: status = 0, rawHeaders } = response
      text(response).then((read) => resolve({ status, rawHeaders, body: read }), reject)
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${caseLimitMs} ms`)))
    sent.on('error', reject)
    sent.end(body)
  })
}

/** workerd tells the port on which it listens as a line of JSON. */
function portOf(running: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let errors = ''
    running.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    running.once('exit', () => reject(new Error(errors)))
    running.stdio[3]?.on('data', (chunk) => {
      const { event, port } = JSON.parse(String(chunk))
      if (event === 'listen') resolve(port)
    })
  })
}

async function bundleWorker(consumer: string): Promise<void> {
  const inWorker = join(own, 'contract-in-worker.ts')
  const program = `
${contracts.map((name) => `import ${JSON.stringify(join(root, `test/${name}.test.ts`))}`).join('\n')}
import { createAdapterContract } from 'portcullis/adapter-testing'
import { fetchInWorker } from ${JSON.stringify(inWorker)}
export default { fetch: (request, environment) => fetchInWorker(request, environment, createAdapterContract) }`
  await build({
    stdin: { contents: program, resolveDir: consumer },
    outfile: join(consumer, 'worker.mjs'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'import'],
    external: ['node:*', 'cloudflare:*'],
    ignoreAnnotations: true,
    logLevel: 'warning',
    plugins: [
      {
        name: 'in-worker',
        setup(builder) {
          const crypto = join(own, 'node-crypto-in-worker.ts')
          const replace = (filter: RegExp, by: string) =>
            builder.onResolve({ filter }, ({ importer }) => (importer === by ? undefined : { path: by }))
          replace(/^node:(http|net)$|\/serve-fetch\.js$|^\.\/contract\.js$/, inWorker)
          replace(/^node:crypto$/, crypto)
          // From where the tarball was installed.
          builder.onResolve({ filter: /^portcullis(\/|$)/ }, ({ path, kind, pluginData }) =>
            pluginData === 'found'
              ? undefined
              : builder.resolve(path, { kind, resolveDir: consumer, pluginData: 'found' }),
          )
        },
      },
    ],
  })
}

const configuration = (relayPort: number) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.mjs")],
      compatibilityDate = "${compatibility.date}",
      compatibilityFlags = ${JSON.stringify(compatibility.flags)},
      bindings = [(name = "RELAY", service = "relay")],
    )),
    (name = "relay", external = (address = "127.0.0.1:${relayPort}", http = ())),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`
