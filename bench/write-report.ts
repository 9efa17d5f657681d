/* Writes docs/performance.md and its charts from the results of one or more runs: node write-report.mjs results.json … */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { performancePage } from './report/markdown.js'
import type { RunResult } from './report/run-result.js'
import { barChart } from './report/svg.js'
import { compiled } from './set-up/compiled.js'

const docs = join(compiled, '..', '..', '..', 'docs')
const charts = join(docs, 'performance')
const runs = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')) as RunResult)
const [first] = runs
if (first === undefined) throw new Error('name a file of results')

rmSync(charts, { recursive: true, force: true })
mkdirSync(charts, { recursive: true })
const note = `Node ${first.machine.node}, ${first.machine.cores} × ${first.machine.cpu}. Less is better.`
for (const table of Object.values(first.results).flatMap(({ tables }) => tables)) {
  if (table.chart === true) writeFileSync(join(charts, `${table.id}.svg`), barChart(table, note))
}
writeFileSync(
  join(docs, 'performance.md'),
  performancePage(runs, ({ id }) => `performance/${id}.svg`),
)
