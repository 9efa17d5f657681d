import { mkdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { machine } from './report/machine.js'
import { printTable, printVerdicts } from './report/print.js'
import { earlierResults, type MeasuredSuite } from './report/run-result.js'
import { caches } from './suites/caches.js'
import { concurrency } from './suites/concurrency.js'
import { dpop } from './suites/dpop.js'
import { events } from './suites/events.js'
import { http, httpNew } from './suites/http.js'
import { memory } from './suites/memory.js'
import { million } from './suites/million.js'
import { options } from './suites/options.js'
import { refresh } from './suites/refresh.js'
import { scaling } from './suites/scaling.js'
import { sessions } from './suites/sessions.js'
import { startUp } from './suites/start-up.js'
import { type Mode, modes, type Suite, type Thoroughness } from './suites/suite.js'
import { tail } from './suites/tail.js'
import { tokens } from './suites/tokens.js'
import { workers } from './suites/workers.js'

const suites: Readonly<Record<string, Suite>> = {
  tokens,
  concurrency,
  dpop,
  caches,
  refresh,
  options,
  events,
  scaling,
  memory,
  million,
  'start-up': startUp,
  workers,
  http,
  'http-new': httpNew,
  sessions,
  tail,
}

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'full' },
    cpu: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})
const mode = values.mode as Mode
if (!modes.includes(mode)) throw new Error(`there is no mode ${mode}: ${modes.join(', ')}`)

const paces = {
  quick: { rounds: 7, sliceMs: 10 },
  brief: { rounds: 11, sliceMs: 20 },
  full: { rounds: 21, sliceMs: 30 },
} as const
const thoroughness: Thoroughness = {
  mode,
  quick: mode === 'quick',
  pace: { ...paces[mode], clock: values.cpu ? 'cpu' : 'wall' },
  pick: (...numbers) => numbers[modes.indexOf(mode)] as number,
}
const chosen = values.only?.split(',') ?? Object.keys(suites)
const unknown = chosen.filter((name) => suites[name] === undefined)
if (unknown.length > 0) throw new Error(`there is no suite ${unknown}: ${Object.keys(suites).join(', ')}`)

const here = machine()
const measured: Record<string, MeasuredSuite> = {}
for (const name of chosen) {
  process.stdout.write(`\n# ${name}\n`)
  const startedAt = performance.now()
  const result = await (suites[name] as Suite)(thoroughness)
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  for (const table of result.tables) printTable(table)
  process.stdout.write(`\n${name}: ${seconds} s\n`)
  measured[name] = {
    ...result,
    mode,
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    seconds,
    load: loadavg()[0] as number,
  }
}

printVerdicts({ machine: here, results: measured })
if (values.out !== undefined) {
  const earlier = values.only === undefined ? {} : earlierResults(values.out, here)
  const found = { ...earlier, ...measured }
  const results = Object.fromEntries(Object.keys(suites).flatMap((name) => (found[name] ? [[name, found[name]]] : [])))
  mkdirSync(dirname(values.out), { recursive: true })
  writeFileSync(values.out, JSON.stringify({ machine: here, results }, null, 2))
}
process.exit(0)
