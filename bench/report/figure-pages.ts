import type { Table } from '../suites/suite.js'
import { cellsOf } from './print.js'
import type { RunResult } from './run-result.js'

/** A page of tables below docs/performance.md. */
export interface FigurePage {
  readonly file: string
  readonly title: string
  /** What its figures are, in a sentence or two. */
  readonly about: string
  readonly suites: readonly string[]
}

export const figurePages: readonly FigurePage[] = [
  {
    file: 'token-figures',
    title: 'Verifying a token',
    about: 'One token after another: new ones, and one that was seen before.',
    suites: ['tokens'],
  },
  {
    file: 'many-at-once',
    title: 'Many tokens at once',
    about:
      'New tokens with 64 in flight. *In batches*: 64 start together, and the next 64 when all of them are done. *All the time*: as soon as one is done, the next starts, one turn of the event loop later.',
    suites: ['concurrency'],
  },
  {
    file: 'proof-figures',
    title: 'Tokens with DPoP proofs',
    about: 'Every proof is used once. A *new client* has a key that was never seen.',
    suites: ['dpop'],
  },
  {
    file: 'cache-figures',
    title: 'From a cache',
    about:
      'What is answered from memory: remembered tokens, introspected ones, exchanged ones; and what it takes to exchange one, or to renew one that many wait for. No network takes part.',
    suites: ['caches', 'refresh'],
  },
  {
    file: 'option-figures',
    title: 'What demands and listeners cost',
    about: 'A repeated token under each requirement, each way to refuse, each kind of listener.',
    suites: ['options', 'events'],
  },
  {
    file: 'size-figures',
    title: 'Size: many issuers, keys and tokens',
    about:
      'Cost against the number of things, memory of a remembered token, pauses while a cache fills and turns over.',
    suites: ['scaling', 'memory', 'million'],
  },
  {
    file: 'start-figures',
    title: 'Start',
    about: 'Fresh processes: importing an entry, the command, and a Worker.',
    suites: ['start-up', 'workers'],
  },
  {
    file: 'server-figures',
    title: 'Whole servers',
    about: 'Processor time of a server process per request, with the bare framework and peers in the same rounds.',
    suites: ['http', 'http-new'],
  },
  {
    file: 'session-figures',
    title: 'Pages behind a session',
    about: 'Processor time of a server process per request of a user who has signed in.',
    suites: ['sessions'],
  },
  {
    file: 'tail-figures',
    title: 'The slowest requests',
    about: 'Latency of single requests while keys are due or while many others come at the same moment.',
    suites: ['tail'],
  },
]

/** The text of a page: its tables, Node by Node, with the charts of the first one. */
export function figurePage({ title, about, suites }: FigurePage, runs: readonly RunResult[]): string {
  const parts = runs.map((run, index) => figuresOf(run, suites, index === 0)).filter((part) => part !== '')
  const none = 'Not measured in the latest run.'
  return `# ${title}\n\n${about} [How it is measured](method.md).\n\n${parts.length === 0 ? none : parts.join('\n\n')}\n`
}

function figuresOf({ machine, results }: RunResult, suites: readonly string[], withCharts: boolean): string {
  const tables = suites.flatMap((name) => results[name]?.tables ?? [])
  if (tables.length === 0) return ''
  return `## Node ${machine.node}\n\n${tables.map((table) => section(table, withCharts)).join('\n\n')}`
}

function section(one: Table, withChart: boolean): string {
  const chart = withChart && one.chart === true ? `\n\n![${one.title}](${one.id}.svg)` : ''
  const notes = one.notes === undefined ? '' : `\n\n${one.notes.map((note) => `- ${note}`).join('\n')}`
  return `### ${one.title}\n\n${markdownTable(cellsOf(one))}${notes}${chart}`
}

export function markdownTable(lines: readonly (readonly string[])[]): string {
  const [header = [], ...rest] = lines
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'))
  return [row(header), row(rule), ...rest.map(row)].join('\n')
}
