import { isMet, type Table, type Verdict } from '../suites/suite.js'
import { explanationOf } from './explanations.js'
import type { RunResult } from './run-result.js'
import { show } from './show.js'

/** The header and the lines of a table, as text cells. */
export function cellsOf({ unit, columns = [], rows }: Table): readonly (readonly string[])[] {
  const lines = rows.map(({ name, figure, cells = [] }) => [
    name,
    show(figure.median),
    `${show(figure.low)} … ${show(figure.high)}`,
    ...cells,
  ])
  return [['', unit, 'middle half', ...columns], ...lines]
}

/** The header and the lines of the table of targets. */
export function verdictCells(verdicts: readonly Verdict[]): readonly (readonly string[])[] {
  const lines = verdicts.map((verdict) => {
    const { target, figure, unit, atLeast, atMost } = verdict
    const wanted = atLeast === undefined ? `≤ ${atMost} ${unit}` : `≥ ${atLeast} ${unit}`
    const missed = explanationOf(target) === undefined ? 'missed' : 'missed, explained'
    return [target, wanted, `${show(figure)} ${unit}`, isMet(verdict) ? 'met' : missed]
  })
  return [['target', 'wanted', 'measured', 'verdict'], ...lines]
}

export function verdictsOf({ results }: RunResult): readonly Verdict[] {
  return Object.values(results).flatMap(({ verdicts }) => verdicts)
}

export function printTable(table: Table): void {
  const notes = (table.notes ?? []).map((note) => `- ${note}\n`).join('')
  process.stdout.write(`\n${table.title}\n${align(cellsOf(table))}\n${notes}`)
}

export function printVerdicts(run: RunResult): void {
  const { node, cpu, cores } = run.machine
  process.stdout.write(`\n# Targets, Node ${node}, ${cores} × ${cpu}\n\n`)
  process.stdout.write(`${align(verdictCells(verdictsOf(run)))}\n`)
}

function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return lines.map((cells) => cells.map(pad).join('  ')).join('\n')
}
