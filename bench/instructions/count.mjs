/*
 * npm run instructions [-- --check | --write | --parts new] [--no-build] [--runs 5] [--busy 20]
 *
 * Counts the machine instructions of the hot path, which no other work of the machine disturbs. scenario.mjs takes one way
 * through the package in a process of its own, until everything is compiled for good; then step.c has its main thread run
 * one instruction at a time for some requests, and the median of these is told. V8 runs in one thread and with fixed seeds,
 * so that it compiles the same each time. Bytes are what a request allocates.
 *
 * --parts tells what the instructions of one scenario of scenario.mjs are made of: parts.mjs. `new limit` is the scenario `new`
 * by the hand-written verifier of bench/limit.ts, and so on. It needs `nm`, of binutils, and
 * a binary of Node with its symbols on x64.
 *
 * --busy puts a loop of so many turns before each guarded request, to see that the check notices it.
 *
 * --check fails where a figure is 3 % above that of baseline.json, --write renews that file for this line of Node. The
 * platform's own code takes other ways on another processor: there, up to 15 % pass, which is said.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { partsOf } from './parts.mjs'

const here = import.meta.dirname
const root = join(here, '..', '..')
const baselineFile = join(here, 'baseline.json')
const tolerance = { sameProcessor: 0.03, anotherProcessor: 0.15 }
const requests = 5
const atOnce = 2
const line = process.versions.node.split('.')[0]

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    build: { type: 'boolean', default: true },
    runs: { type: 'string', default: '1' },
    parts: { type: 'string' },
    busy: { type: 'string', default: '0' },
  },
  allowNegative: true,
})

const engineFlags = [
  '--predictable',
  '--single-threaded-gc',
  '--hash-seed=1',
  '--random-seed=1',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
]

/** Names for all code, that of the engine itself included. */
const tracedFlags = ['--perf-basic-prof', '--no-short-builtin-calls']

/** What is told and guarded: one scenario less another. The hash of the token is the platform's, and left out. */
const figures = {
  'repeated token at the gate': ['repeated', 'hash'],
  'new RS256 token at the gate, less its signature': ['new', 'hash'],
  'repeated token, Fastify': ['fastify', 'fastify bare'],
  'repeated token, Koa': ['koa', 'koa bare'],
}

const guarded = new Set(Object.values(figures).map(([whole]) => whole))

/** The model and what it can do, as Linux tells it. */
function processor() {
  const features = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? ''
  return `${cpus()[0]?.model}, ${createHash('sha256').update(features).digest('hex').slice(0, 12)}`
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

async function writeInput(file) {
  const { createDpopClient, createTestIssuer } = await import(join(root, 'dist/src/testing/index.js'))
  const audience = 'https://api.example.com'
  const login = { issuer: 'https://login.example.com', algorithms: ['RS256'], lifetimeSeconds: 86_400 }
  const issuer = createTestIssuer({ ...login, audience })
  const claims = {
    sub: '7f3c1b9e-52d4-4a67-b1c8-0f2e9d6a4b35',
    client_id: 'mobile-app',
    scope: 'openid profile email calendar:read',
    tenant: 'acme',
    auth_time: 1_700_000_000,
    roles: ['editor', 'billing-viewer'],
    session: '5d0c8f4e1b7a93620c41d87be5f2a6903b7',
  }
  const tokens = Array.from({ length: 256 }, () => issuer.mintToken(claims))
  const jwks = { keys: issuer.publishedKeys() }
  const client = createDpopClient()
  const token = issuer.mintToken({ ...claims, cnf: { jkt: client.jkt } })
  const bound = { token, proof: client.proof({ url: `${audience}/me`, accessToken: token }) }
  const limitModule = `${file}-limit.mjs`
  const bundle = ['--bundle', '--platform=node', '--format=esm', '--log-level=warning', `--outfile=${limitModule}`]
  spawnSync(join(root, 'node_modules/.bin/esbuild'), [join(here, '../limit.ts'), ...bundle], { stdio: 'inherit' })
  const input = { issuer: issuer.issuer, audience, scope: 'profile', jwks, tokens, bound, limitModule }
  writeFileSync(file, JSON.stringify(input))
}

/** Instructions and bytes of one request. */
function count(folder, name, trace) {
  const node = [
    process.execPath,
    ...engineFlags,
    ...(trace === undefined ? [] : tracedFlags),
    join(here, 'scenario.mjs'),
    name,
    String(requests),
    join(folder, 'input'),
    guarded.has(name) ? values.busy : '0',
  ]
  const env = { ...process.env, ...(trace !== undefined && { STEP_TRACE: trace }) }
  // V8 leaves a log of its own where it runs.
  const child = spawn(join(folder, 'step'), node, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
  const output = { 1: '', 3: '' }
  for (const descriptor of [1, 3]) {
    child.stdio[descriptor].on('data', (chunk) => {
      output[descriptor] += chunk
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => {
      const counts = output[3].trim().split('\n').map(Number)
      if (status !== 0 || counts.length !== requests) reject(new Error(`${name}: status ${status}, see above`))
      counts.sort((a, b) => a - b)
      const [bytes, processId] = output[1].split(' ').map(Number)
      resolve({ instructions: counts[requests >> 1], bytes: Math.round(bytes), processId })
    })
  })
}

async function countAll(folder) {
  const counted = {}
  const waiting = [...new Set(Object.values(figures).flat())]
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      counted[name] = await count(folder, name)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return Object.fromEntries(
    Object.entries(figures).map(([name, [whole, rest]]) => [
      name,
      {
        instructions: counted[whole].instructions - counted[rest].instructions,
        bytes: counted[whole].bytes - counted[rest].bytes,
      },
    ]),
  )
}

/** The platform's own map of what it compiled is in /tmp, whatever the folder. */
async function printParts(folder, name) {
  const trace = join(folder, 'trace')
  const { processId } = await count(folder, name, trace)
  const map = `/tmp/perf-${processId}.map`
  const parts = partsOf(trace, map)
  rmSync(map)
  const whole = parts.reduce((sum, [, instructions]) => sum + instructions, 0)
  for (const [part, instructions] of [[`${name}, whole`, whole], ...parts]) {
    process.stdout.write(`${String(instructions).padStart(7)}  ${part}\n`)
  }
}

function print(measured, baseline) {
  const width = Math.max(...Object.keys(figures).map(({ length }) => length))
  process.stdout.write(`${'one request'.padEnd(width)}  instructions   bytes   to the baseline\n`)
  for (const [name, { instructions, bytes }] of Object.entries(measured)) {
    const known = baseline?.[name]?.instructions
    const change = known === undefined ? 'none' : `${((instructions / known - 1) * 100).toFixed(1)} %`
    const cells = [String(instructions).padStart(12), String(bytes).padStart(6), change.padStart(16)]
    process.stdout.write(`${name.padEnd(width)}  ${cells.join('  ')}\n`)
  }
}

function complaints(measured, baseline) {
  const isSame = baseline.processor === processor()
  const allowed = isSame ? tolerance.sameProcessor : tolerance.anotherProcessor
  process.stdout.write(
    `Up to ${allowed * 100} % more pass: the baseline is of ${isSame ? 'this' : 'another'} processor.\n`,
  )
  return Object.entries(measured).flatMap(([name, { instructions }]) => {
    const known = baseline[name]?.instructions ?? 0
    if (instructions <= known * (1 + allowed)) return []
    return `${name}: ${instructions} instructions, more than ${allowed * 100} % above the ${known} of the baseline.`
  })
}

if (values.build && spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' }).status !== 0) {
  process.exit(1)
}
const baselines = JSON.parse(readFileSync(baselineFile, 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'instructions-'))
const compiled = spawnSync('cc', ['-O2', '-o', join(folder, 'step'), join(here, 'step.c')], { stdio: 'inherit' })
if (compiled.status !== 0) fail('This needs a C compiler: apt-get install gcc libc6-dev.')
await writeInput(join(folder, 'input'))
if (values.parts !== undefined) {
  await printParts(folder, values.parts)
  rmSync(folder, { recursive: true })
  process.exit(0)
}
let measured
for (let run = 0; run < Number(values.runs); run++) {
  measured = await countAll(folder)
  print(measured, baselines[line])
}
rmSync(folder, { recursive: true })
if (values.write) {
  writeFileSync(
    baselineFile,
    `${JSON.stringify({ ...baselines, [line]: { processor: processor(), ...measured } }, null, 2)}\n`,
  )
} else if (values.check) {
  if (baselines[line] === undefined)
    fail(`baseline.json has nothing for Node ${line}: npm run instructions -- --write.`)
  const found = complaints(measured, baselines[line])
  if (found.length > 0) {
    fail(`${found.join('\n')}\nShorten the way, or renew the baseline and say why: npm run instructions -- --write.`)
  }
}
