import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, spreadOf } from '../measure/statistics.js'
import { compiled } from '../set-up/compiled.js'
import { audience, createBenchIssuer, mintToken, publicKeyOf, scope } from '../set-up/issuer.js'
import type { Suite } from './suite.js'

const names = ['bare', 'jose', 'portcullis'] as const
type Name = (typeof names)[number]

/** What one start of a Worker took, in milliseconds. */
interface ColdStart {
  /** From the start of the process until it listens; the Worker is compiled by then. */
  readonly startMs: number
  readonly firstMs: number
  /** The median of the requests after it. */
  readonly laterMs: number
}

/** The first request after a cold start of workerd, the runtime of Cloudflare Workers, each in a process of its own. */
export const workers: Suite = async ({ pick }) => {
  const rounds = pick(3, 9, 21)
  const issuer = createBenchIssuer()
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-workers-'))
  const settings = { issuer: issuer.issuer, audience, scope, keys: [publicKeyOf(issuer, 'RS256').jwk] }
  for (const name of names) {
    cpSync(workerFile(name), join(folder, `${name}.mjs`))
    writeFileSync(join(folder, `${name}.capnp`), configuration(name, settings))
  }
  const starts: Record<Name, ColdStart[]> = { bare: [], jose: [], portcullis: [] }
  for (let round = -1; round < rounds; round++) {
    for (let place = 0; place < names.length; place++) {
      const name = names[(round + 1 + place) % names.length] as Name
      const start = await coldStart(join(folder, `${name}.capnp`), mintToken(issuer, 'RS256'))
      if (round >= 0) starts[name].push(start)
    }
  }
  rmSync(folder, { recursive: true })
  const totals = (name: Name) => starts[name].map(({ startMs, firstMs }) => startMs + firstMs)
  const firsts = (name: Name) => starts[name].map(({ firstMs }) => firstMs)
  const rows = names.map((name) => ({
    name,
    figure: spreadOf(totals(name)),
    cells: [
      median(starts[name].map(({ startMs }) => startMs)).toFixed(1),
      median(firsts(name)).toFixed(2),
      median(starts[name].map(({ laterMs }) => laterMs)).toFixed(2),
      (readFileSync(workerFile(name)).length / 1000).toFixed(0),
    ],
  }))
  return {
    tables: [
      {
        id: 'workers',
        title: 'A cold start of workerd, until the first request with an RS256 token is answered',
        unit: 'ms',
        columns: ['until it listens, ms', 'first request, ms', 'later request, ms', 'bundle, kB'],
        rows,
        chart: true,
        notes: ['Keys are at hand. The bundle is not minified. Answers come over HTTP, from one connection.'],
      },
    ],
    verdicts: [],
  }
}

const workerFile = (name: Name) => join(compiled, 'workers', `${name}.mjs`)

function configuration(name: Name, settings: object): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker", esModule = embed "${name}.mjs")],
    compatibilityDate = "2026-05-01",
    bindings = [(name = "SETTINGS", json = ${JSON.stringify(JSON.stringify(settings))})],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`
}

/** Package managers put the program into a package of the platform's, where no script ran at the install. */
function programOfWorkerd(): string {
  const ofPlatform = `@cloudflare/workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`
  return createRequire(join(compiled, 'main.mjs')).resolve(`${ofPlatform}/bin/workerd`)
}

async function coldStart(config: string, token: string): Promise<ColdStart> {
  const startedAt = performance.now()
  const running = spawn(programOfWorkerd(), ['serve', config, '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const port = await portOf(running)
    const startMs = performance.now() - startedAt
    const firstMs = await timeOf(agent, port, token)
    const later: number[] = []
    for (let n = 0; n < 50; n++) later.push(await timeOf(agent, port, token))
    return { startMs, firstMs, laterMs: median(later) }
  } finally {
    agent.destroy()
    running.kill()
  }
}

function portOf(running: ChildProcess): Promise<number> {
  let errors = ''
  return new Promise((resolve, reject) => {
    running.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    running.once('exit', () => reject(new Error(errors)))
    running.stdio[3]?.on('data', (chunk) => {
      const { event, port } = JSON.parse(String(chunk)) as { event: string; port: number }
      if (event === 'listen') resolve(port)
    })
  })
}

/** Milliseconds until the whole answer to a request is there. */
function timeOf(agent: Agent, port: number, token: string): Promise<number> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const sent = request({ agent, port, host: '127.0.0.1', path: '/me', headers }, (answer) => {
      answer.resume()
      if (answer.statusCode !== 200) reject(new Error(`the Worker answered ${answer.statusCode}`))
      answer.once('end', () => resolve(performance.now() - startedAt))
    })
    sent.once('error', reject)
    sent.end()
  })
}
