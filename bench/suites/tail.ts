import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { median, pairedRatio, spreadOf } from '../measure/statistics.js'
import { compiled } from '../set-up/compiled.js'
import type { Suite, Verdict } from './suite.js'

interface TailFigure {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly failed: number
  readonly keyRequests: number
  readonly loopDelayMs: readonly [number, number, number]
}

const situations = {
  steady: 'steady',
  slow: 'keys due, key server takes 500 ms',
  hangs: 'keys due, key server hangs',
} as const

/** Latency of new tokens while the key set is due under load and its server is slow, or hangs. */
export const tail: Suite = async ({ quick }) => {
  const rounds = quick ? 1 : 7
  const figures = Object.fromEntries(Object.keys(situations).map((kind) => [kind, [] as TailFigure[]]))
  for (let round = 0; round < rounds; round++) {
    for (const kind of Object.keys(situations)) figures[kind]?.push(figureOf(kind, quick ? 1 : 4))
  }
  const of = (kind: string, read: (figure: TailFigure) => number) => (figures[kind] as TailFigure[]).map(read)
  const rows = Object.entries(situations).map(([kind, name]) => ({
    name,
    figure: spreadOf(of(kind, ({ p99 }) => p99 * 1000)),
    cells: [
      (median(of(kind, ({ p50 }) => p50)) * 1000).toFixed(0),
      (median(of(kind, ({ p999 }) => p999)) * 1000).toFixed(0),
      [0, 1, 2].map((at) => median(of(kind, ({ loopDelayMs }) => loopDelayMs[at] as number)).toFixed(1)).join(' / '),
      `${Math.max(...of(kind, ({ failed }) => failed))}`,
      `${Math.max(...of(kind, ({ keyRequests }) => keyRequests))}`,
    ],
  }))
  const verdicts: Verdict[] = (['slow', 'hangs'] as const).map((kind) => ({
    target: `p99 with ${situations[kind]}, to a steady run`,
    figure: pairedRatio(
      of(kind, ({ p99 }) => p99),
      of('steady', ({ p99 }) => p99),
    ).median,
    unit: '×',
    atMost: 1.2,
  }))
  const columns = ['p50, µs', 'p99.9, µs', 'event-loop delay p50 / p99 / p99.9, ms', 'failed', 'key requests']
  return {
    tables: [{ id: 'tail', title: 'Latency of new tokens, 2,000 a second: p99', unit: 'µs', columns, rows }],
    verdicts,
  }
}

function figureOf(kind: string, seconds: number): TailFigure {
  const script = join(compiled, 'suites', 'tail-child.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [script, kind, String(seconds)], { encoding: 'utf8' })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as TailFigure
}
