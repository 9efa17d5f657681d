import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { spreadOf } from '../measure/statistics.js'
import { compiled } from '../set-up/compiled.js'
import type { Row, Suite } from './suite.js'

interface Passage {
  readonly tokens: number
  readonly longestMs: number
  readonly overFive: number
  readonly rareMs: number
  readonly longestCollectionMs: number
  readonly longestBesidesMs: number
  readonly heapMib: number
}

/** A million distinct tokens, one after another: the longest time that one of them held the event loop. */
export const million: Suite = async ({ pick }) => {
  const tokens = pick(50_000, 150_000, 1_000_000)
  const caches = { 'the cache as it is by default': '', 'a cache for all of them': `${tokens}` }
  const controls = { 'no cache': '0', 'nothing but the check of the signature, with node:crypto': 'bare' }
  const measure = (bounds: Record<string, string>) =>
    Object.entries(bounds).map(([name, entries]) => [name, passageOf(tokens, entries)] as const)
  const passages = measure(caches)
  const rows: Row[] = [...passages, ...measure(controls)].map(([name, passage]) => ({
    name,
    figure: spreadOf([passage.longestMs]),
    cells: [
      passage.longestBesidesMs.toFixed(2),
      passage.rareMs.toFixed(2),
      String(passage.overFive),
      passage.longestCollectionMs.toFixed(1),
      passage.heapMib.toFixed(0),
    ],
  }))
  const count = tokens.toLocaleString('en-US')
  return {
    tables: [
      {
        id: 'million',
        title: `${count} distinct EdDSA tokens: the longest time that one of them takes`,
        unit: 'ms',
        columns: [
          'longest without collections of garbage, ms',
          'p99.99, ms',
          'over 5 ms',
          'longest collection of garbage, ms',
          'heap, MiB',
        ],
        rows,
        notes: [
          'Of the time on the clock and the processor time of the process the lesser counts: what other processes took is not a pause of this one.',
        ],
      },
    ],
    verdicts: passages.map(([name, { longestMs }]) => ({
      target: `${count} tokens, ${name}: the longest pause`,
      figure: longestMs,
      unit: 'ms',
      atMost: 5,
    })),
  }
}

function passageOf(tokens: number, cacheEntries: string): Passage {
  const script = join(compiled, 'suites', 'million-child.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [script, 'pass', `${tokens}`, cacheEntries], {
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Passage
}
