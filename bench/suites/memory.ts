import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { compiled } from '../set-up/compiled.js'
import type { Suite } from './suite.js'

interface MemoryFigure {
  readonly bytes: number
  readonly characters: number
  readonly count: number
}

/** Heap per remembered token, each measured in a process of its own. */
export const memory: Suite = async ({ pick }) => {
  const counts = [2000, pick(5000, 20_000, 20_000)]
  const figures = counts.map((count) => figureOf('RS256', count))
  const rows = figures.map(({ bytes, characters, count }) => ({
    name: `${count} RS256 tokens of ${characters} characters`,
    figure: { median: bytes, low: bytes, high: bytes },
  }))
  const [, last] = figures as [MemoryFigure, MemoryFigure]
  const target = `Memory per remembered token of ${last.characters} characters`
  return {
    tables: [{ id: 'memory', title: 'Memory per remembered token', unit: 'bytes', rows }],
    verdicts: [{ target, figure: last.bytes, unit: 'bytes', atMost: 850 }],
  }
}

function figureOf(algorithm: string, count: number): MemoryFigure {
  const script = join(compiled, 'suites', 'memory-child.mjs')
  const { stdout } = spawnSync(process.execPath, ['--expose-gc', script, algorithm, String(count)], {
    encoding: 'utf8',
  })
  return JSON.parse(stdout) as MemoryFigure
}
