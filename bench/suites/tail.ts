import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { median, pairedRatio, spreadOf } from '../measure/statistics.js'
import { compiled } from '../set-up/compiled.js'
import type { Suite, Verdict } from './suite.js'

/** What happens in a window of time. `again` is `steady` once more. */
export type WindowKind = 'steady' | 'again' | 'slow' | 'hangs' | 'burst'

/** What one window found; latencies in milliseconds. */
export interface TailFigure {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly failed: number
  readonly keyRequests: number
  readonly loopDelayMs: readonly number[]
}

const names = {
  steady: 'steady',
  again: 'steady, once more',
  slow: 'keys due, key server takes 500 ms',
  hangs: 'keys due, key server hangs',
  burst: '64 more at once every 25 ms',
  burstLimit: '64 more at once every 25 ms, the limit',
  burstJose: '64 more at once every 25 ms, jose',
}
type Situation = keyof typeof names

/** Latency of new tokens while the key set is due under load and its server is slow, or hangs; and among bursts. */
export const tail: Suite = async ({ pick }) => {
  const rounds = pick(2, 8, 20)
  const burstRounds = pick(1, 4, 15)
  const figures: Record<Situation, readonly TailFigure[]> = {
    ...(windowsOf(['steady', 'slow', 'again', 'hangs'], rounds) as Record<Situation, readonly TailFigure[]>),
    burst: windowsOf(['burst'], burstRounds)['burst'] ?? [],
    burstLimit: windowsOf(['burst'], burstRounds, 'limit')['burst'] ?? [],
    burstJose: windowsOf(['burst'], burstRounds, 'jose')['burst'] ?? [],
  }
  const of = (kind: Situation, read: (figure: TailFigure) => number) => figures[kind].map(read)
  const p99Of = (kind: Situation) => of(kind, ({ p99 }) => p99)
  const toSteady = (kind: Situation) => pairedRatio(p99Of(kind), p99Of('steady')).median
  const rows = (Object.keys(names) as Situation[]).map((kind) => ({
    name: names[kind],
    figure: spreadOf(of(kind, ({ p99 }) => p99 * 1000)),
    cells: [
      kind.startsWith('burst') ? '' : toSteady(kind).toFixed(2),
      (median(of(kind, ({ p50 }) => p50)) * 1000).toFixed(0),
      (median(of(kind, ({ p999 }) => p999)) * 1000).toFixed(0),
      [0, 1, 2].map((at) => median(of(kind, ({ loopDelayMs }) => loopDelayMs[at] as number)).toFixed(1)).join(' / '),
      `${Math.max(...of(kind, ({ failed }) => failed))}`,
      `${Math.max(...of(kind, ({ keyRequests }) => keyRequests))}`,
    ],
  }))
  const verdicts: Verdict[] = (['slow', 'hangs'] as const).map((kind) => ({
    target: `p99 with ${names[kind]}, to a steady run`,
    figure: toSteady(kind),
    unit: '×',
    atMost: 1.2,
  }))
  verdicts.push({
    target: 'p99 of single requests with 64 more at once every 25 ms, to the limit',
    figure: median(p99Of('burst')) / median(p99Of('burstLimit')),
    unit: '×',
    atMost: 1,
  })
  return {
    tables: [
      {
        id: 'tail',
        title: 'Latency of new RS256 tokens, 2,000 single ones a second: p99',
        unit: 'µs',
        columns: [
          'to steady',
          'p50, µs',
          'p99.9, µs',
          'event-loop delay p50 / p99 / p99.9, ms',
          'failed',
          'key requests',
        ],
        rows,
        notes: [
          'Windows of a second that take turns in one process; *to steady* is the median of ratios within a turn. The second steady row differs from the first by chance alone, and so tells how exact the others are.',
        ],
      },
    ],
    verdicts,
  }
}

function windowsOf(
  kinds: readonly WindowKind[],
  rounds: number,
  who = 'portcullis',
): Readonly<Record<string, readonly TailFigure[]>> {
  const script = join(compiled, 'suites', 'tail-child.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [script, kinds.join(','), String(rounds), who], {
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Readonly<Record<string, readonly TailFigure[]>>
}
