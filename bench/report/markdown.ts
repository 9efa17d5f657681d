import { isMet, type Table, type Verdict } from '../suites/suite.js'
import { cellsOf, verdictCells, verdictsOf } from './print.js'
import type { RunResult } from './run-result.js'
import { show } from './show.js'

/** The page: targets of every Node side by side, then every table of every Node, with the charts of the first. */
export function performancePage(runs: readonly RunResult[], chartPath: (table: Table) => string): string {
  return `${[introduction, targets(runs), method(runs), ...runs.map((run, index) => figures(run, index === 0, chartPath))].join('\n\n')}\n`
}

const introduction = `# Performance

Every figure on this page comes from one command, \`npm run bench\`, which writes the page. Figures are compared within
one run only: what counts is the ratio, the microseconds belong to the machine.

The *limit* is \`bench/limit.ts\`: what one would write by hand for one issuer, one key and one algorithm, with the same
checks, in straight lines. Peers come at the versions of \`bench/package-lock.json\`.`

function targets(runs: readonly RunResult[]): string {
  const [first] = runs
  if (first === undefined) throw new Error('no run')
  const columns = runs.map(({ machine }) => `Node ${machine.node}`)
  const lines = verdictsOf(first).map((verdict) => {
    const [target = '', wanted = ''] = verdictCells([verdict])[1] ?? []
    return [target, wanted, ...runs.map((run) => outcome(sameTarget(run, verdict)))]
  })
  return `## Targets\n\n${table([['target', 'wanted', ...columns], ...lines])}`
}

function sameTarget(run: RunResult, { target }: Verdict): Verdict | undefined {
  return verdictsOf(run).find((verdict) => verdict.target === target)
}

function outcome(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '–'
  const figure = `${show(verdict.figure)} ${verdict.unit}`
  return isMet(verdict) ? figure : `**${figure}, missed**`
}

function method(runs: readonly RunResult[]): string {
  const machines = runs.map(({ machine: { node, openssl, cpu, cores, memoryGib, load, date } }) => [
    node,
    openssl,
    `${cores} × ${cpu}`,
    `${memoryGib} GiB`,
    load.toFixed(1),
    date,
  ])
  return `## Method

- The package is measured as it ships: built, imported through its own \`exports\`, with its defaults; the bench is
  compiled to plain JavaScript, so that no loader stands in between.
- Contenders take turns within one process: each round gives every one of them a slice of about 30 ms, in an order that
  rotates, after a collection of young garbage. Ratios are taken within a round; tables give medians of 21 rounds and the
  middle half of them.
- Portcullis takes its keys from a live key set, the fast peers from a variable. Tokens are of real size: 918 characters
  with RS256. *New* tokens go round in a number four times as large as the cache, so that each is verified and remembered.
- HTTP: server, load generator (autocannon, 10 connections) and key server are processes of their own. On two cores the
  load generator is the bottleneck, so that processor time per request of the server process is compared, with the bare
  framework in the same round.
- Start-up, memory and tail latency are measured in fresh processes.

${table([['Node', 'OpenSSL', 'processor', 'memory', 'load at the end', 'date'], ...machines])}`
}

function figures(run: RunResult, withCharts: boolean, chartPath: (table: Table) => string): string {
  const all = Object.values(run.results).flatMap(({ tables }) => tables)
  const parts = all.map((one) => {
    const chart = withCharts && one.chart === true ? `\n\n![${one.title}](${chartPath(one)})` : ''
    return `### ${one.title}\n\n${table(cellsOf(one))}${chart}`
  })
  return `## Figures, Node ${run.machine.node}\n\n${parts.join('\n\n')}`
}

function table(lines: readonly (readonly string[])[]): string {
  const [header = [], ...rest] = lines
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'))
  return [row(header), row(rule), ...rest.map(row)].join('\n')
}
