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

interface Situation {
  readonly name: string
  readonly kind: 'steady' | 'slow' | 'hangs' | 'burst'
  readonly who?: 'limit' | 'jose'
}

const situations: Readonly<Record<string, Situation>> = {
  steady: { name: 'steady', kind: 'steady' },
  slow: { name: 'keys due, key server takes 500 ms', kind: 'slow' },
  hangs: { name: 'keys due, key server hangs', kind: 'hangs' },
  burst: { name: '64 more at once every 25 ms', kind: 'burst' },
  burstLimit: { name: '64 more at once every 25 ms, the limit', kind: 'burst', who: 'limit' },
  burstJose: { name: '64 more at once every 25 ms, jose', kind: 'burst', who: 'jose' },
}

/** Latency of new tokens while the key set is due under load and its server is slow, or hangs; and among bursts. */
export const tail: Suite = async ({ pick }) => {
  const rounds = pick(1, 3, 7)
  const figures = Object.fromEntries(Object.keys(situations).map((kind) => [kind, [] as TailFigure[]]))
  for (let round = 0; round < rounds; round++) {
    for (const [key, situation] of Object.entries(situations)) figures[key]?.push(figureOf(situation, pick(1, 2, 4)))
  }
  const of = (kind: string, read: (figure: TailFigure) => number) => (figures[kind] as TailFigure[]).map(read)
  const rows = Object.entries(situations).map(([kind, { name }]) => ({
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
  const p99Of = (kind: string) => of(kind, ({ p99 }) => p99)
  const verdicts: Verdict[] = (['slow', 'hangs'] as const).map((kind) => ({
    target: `p99 with ${situations[kind]?.name}, to a steady run`,
    figure: pairedRatio(p99Of(kind), p99Of('steady')).median,
    unit: '×',
    atMost: 1.2,
  }))
  verdicts.push({
    target: 'p99 of single requests with 64 more at once every 25 ms, to the limit',
    figure: pairedRatio(p99Of('burst'), p99Of('burstLimit')).median,
    unit: '×',
    atMost: 1,
  })
  const columns = ['p50, µs', 'p99.9, µs', 'event-loop delay p50 / p99 / p99.9, ms', 'failed', 'key requests']
  return {
    tables: [
      { id: 'tail', title: 'Latency of new RS256 tokens, 2,000 single ones a second: p99', unit: 'µs', columns, rows },
    ],
    verdicts,
  }
}

function figureOf({ kind, who }: Situation, seconds: number): TailFigure {
  const script = join(compiled, 'suites', 'tail-child.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [script, kind, String(seconds), who ?? 'portcullis'], {
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as TailFigure
}
