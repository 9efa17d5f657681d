import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine } from './report/machine.js'
import { printTable, printVerdicts } from './report/print.js'
import type { RunResult } from './report/run-result.js'
import { caches } from './suites/caches.js'
import { concurrency } from './suites/concurrency.js'
import { dpop } from './suites/dpop.js'
import { events } from './suites/events.js'
import { http } from './suites/http.js'
import { memory } from './suites/memory.js'
import { options } from './suites/options.js'
import { scaling } from './suites/scaling.js'
import { sessions } from './suites/sessions.js'
import { startUp } from './suites/start-up.js'
import type { Suite, SuiteResult, Thoroughness } from './suites/suite.js'
import { tail } from './suites/tail.js'
import { tokens } from './suites/tokens.js'

const suites: Readonly<Record<string, Suite>> = {
  tokens,
  concurrency,
  dpop,
  caches,
  options,
  events,
  scaling,
  memory,
  'start-up': startUp,
  http,
  sessions,
  tail,
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string' },
  },
})
const thoroughness: Thoroughness = {
  quick: values.quick,
  pace: {
    ...(values.quick ? { rounds: 7, sliceMs: 10 } : { rounds: 21, sliceMs: 30 }),
    clock: values.cpu ? 'cpu' : 'wall',
  },
}
const chosen = values.only?.split(',') ?? Object.keys(suites)

const results: Record<string, SuiteResult> = {}
for (const name of chosen) {
  const suite = suites[name]
  if (suite === undefined) throw new Error(`there is no suite ${name}: ${Object.keys(suites).join(', ')}`)
  process.stdout.write(`\n# ${name}\n`)
  const result = await suite(thoroughness)
  for (const table of result.tables) printTable(table)
  results[name] = result
}

const run: RunResult = { machine: machine(), quick: values.quick, results }
printVerdicts(run)
if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(run, null, 2))
process.exit(0)
