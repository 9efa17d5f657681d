import type { Spread } from '../measure/statistics.js'
import type { Row, Table } from '../suites/suite.js'
import { figurePages, markdownTable } from './figure-pages.js'
import type { RunResult } from './run-result.js'
import { show } from './show.js'
import { summaryOf } from './target-page.js'

const frameworks = ['express', 'fastify', 'koa'] as const

/** What opens docs/performance.md: every guard of every framework, in requests per second of one core. */
export function overviewTable(run: RunResult): Table {
  const rows = frameworks.flatMap((framework) =>
    guardsOf(run, framework, 'one').map(({ name, figure }) => ({
      name: `${name}, ${framework}`,
      figure: perSecond(figure),
    })),
  )
  const title = 'Requests per second of one core, the same token again'
  return { id: 'overview', title, unit: '/s', rows, chart: true }
}

/** docs/performance.md. */
export function overviewPage(runs: readonly RunResult[], coreHour: number): string {
  const [first] = runs as readonly [RunResult, ...RunResult[]]
  return `# Performance

What a request costs behind the gate, beside other libraries, on one machine.

![Requests per second of one core](performance/overview.svg)

${quickness(runs)}

## What it means for you

A request needs processor time: that of the framework (*bare*), and that of the check. From it follows how many requests
one core serves in a second, and what a million of them costs where an hour of a core costs $${coreHour}. *Same token*: a
client uses its token many times, which is the common case. *New token*: every request brings one never seen, the worst
case. Node ${first.machine.node}; the handler answers with a few bytes.

${frameworks.map((framework) => costs(first, framework, coreHour)).join('\n\n')}
${runs.slice(1).map(otherLine).join('')}
The limit is what one would write by hand for one issuer and one key, with the same checks.

## Targets

${runs.map(summaryOf).join(' ')} [All targets, and what each miss is made of](performance/targets.md).

## Many requests at once

Checking a signature takes most of the time of a new token. Where few come together, it is made at once, on the main
thread: handing it to the thread pool of Node would cost more than it saves. Where many come in one turn of the event loop,
32 or more with RSA, 16 or more with curves, the pool makes them, and the main thread those for which it has no room. With
one core none go there. Three things decide what it brings:

- **A free core.** With one core, or one process per core, all of them busy, there is nothing to gain. The sum of processor
  time is higher in the pool than on the main thread.
- **How many come in one turn.** The more come together, the more is gained.
- **The kind of key.** An RSA signature is checked fastest, so that handing it over is a larger part of it. Curves gain
  more.

Libraries that use WebCrypto hand over every check. They gain as much where many come together, and lose where few do.
[Figures](performance/many-at-once.md).

## All figures

- [Targets](performance/targets.md)
${figurePages.map(({ file, title }) => `- [${title}](performance/${file}.md)`).join('\n')}
- [How it is measured](performance/method.md)
`
}

/** A hasty run must not be taken for a thorough one. */
function quickness(runs: readonly RunResult[]): string {
  const modes = new Set(runs.flatMap(({ results }) => Object.values(results).map(({ mode }) => mode)))
  const haste = modes.has('quick')
    ? '**Some of these figures come from a quick run**: fewer rows, fewer rounds, more noise. '
    : ''
  return `${haste}All figures come from one command, \`npm run bench\`, which writes these pages. [When, where and how](performance/method.md).`
}

function guardsOf({ results }: RunResult, framework: string, column: string): readonly Row[] {
  const tables = [results['http'], results['http-new']].flatMap((suite) => suite?.tables ?? [])
  return tables.find(({ id }) => id === `http-${framework}-${column}`)?.rows ?? []
}

function perSecond({ median, low, high }: Spread): Spread {
  return { median: 1e6 / median, low: 1e6 / high, high: 1e6 / low }
}

function costs(run: RunResult, framework: string, coreHour: number): string {
  const fresh = guardsOf(run, framework, 'new')
  const lines = guardsOf(run, framework, 'one').map(({ name, figure }) => {
    const other = fresh.find((row) => row.name === name)?.figure
    return [name, ...served(figure, coreHour), ...(other === undefined ? ['–', '–'] : served(other, coreHour))]
  })
  if (lines.length === 0) return `**${framework}**: not measured in this run.`
  const columns = ['same token: requests/s', 'a million', 'new token: requests/s', 'a million']
  return markdownTable([[framework, ...columns], ...lines])
}

/** Requests per second of a core on another line of Node, in short. */
function otherLine(run: RunResult): string {
  const perSecondOf = (framework: string, guard: string, id: string) => {
    const figure = guardsOf(run, framework, id).find(({ name }) => name === guard)?.figure
    return figure === undefined ? '–' : Math.round(1e6 / figure.median).toLocaleString('en-US')
  }
  const lines = frameworks.map((framework) => [
    framework,
    ...['one', 'new'].flatMap((id) =>
      ['bare', 'limit', 'portcullis'].map((guard) => perSecondOf(framework, guard, id)),
    ),
  ])
  const columns = ['same token', 'new token'].flatMap((token) =>
    ['bare', 'limit', 'portcullis'].map((guard) => `${token}: ${guard}`),
  )
  return `\nRequests per second of one core on Node ${run.machine.node}:\n\n${markdownTable([['', ...columns], ...lines])}\n`
}

/** Requests per second of a core, and what a million of them costs, in cents. */
function served({ median }: Spread, coreHour: number): readonly string[] {
  return [Math.round(1e6 / median).toLocaleString('en-US'), `${show((median / 3600) * coreHour * 100)} ¢`]
}
