/* Writes docs/performance.md, the pages below it and their charts: node write-report.mjs [--core-hour 0.04] v20.json … */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { figurePage, figurePages } from './report/figure-pages.js'
import { methodPage } from './report/method-page.js'
import { overviewPage, overviewTable } from './report/overview-page.js'
import type { RunResult } from './report/run-result.js'
import { barChart } from './report/svg.js'
import { targetPage } from './report/target-page.js'
import { compiled } from './set-up/compiled.js'

const { values, positionals } = parseArgs({
  options: { 'core-hour': { type: 'string', default: '0.04' } },
  allowPositionals: true,
})
const docs = join(compiled, '..', '..', '..', 'docs')
const folder = join(docs, 'performance')
const runs = positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as RunResult)
const [first] = runs
if (first === undefined) throw new Error('name a file of results')

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const where = `Node ${first.machine.node}, ${first.machine.cores} × ${first.machine.cpu}.`
for (const table of Object.values(first.results).flatMap(({ tables }) => tables)) {
  if (table.chart === true) writeFileSync(join(folder, `${table.id}.svg`), barChart(table, `${where} Less is better.`))
}
writeFileSync(join(folder, 'overview.svg'), barChart(overviewTable(first), `${where} More is better.`))
for (const page of figurePages) writeFileSync(join(folder, `${page.file}.md`), figurePage(page, runs))
writeFileSync(join(folder, 'targets.md'), targetPage(runs))
writeFileSync(join(folder, 'method.md'), methodPage(runs))
writeFileSync(join(docs, 'performance.md'), overviewPage(runs, Number(values['core-hour'])))
