import type { Pace } from '../measure/compare.js'
import type { Spread } from '../measure/statistics.js'

/** One line of a table of the report. */
export interface Row {
  readonly name: string
  readonly figure: Spread
  /** Further cells, in the order of {@link Table.columns}. */
  readonly cells?: readonly string[] | undefined
}

/** Figures that belong together. */
export interface Table {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly columns?: readonly string[] | undefined
  readonly rows: readonly Row[]
  /** Whether a bar chart of it goes into the report. */
  readonly chart?: boolean | undefined
  /** What the figures do not say: one line each, below the table. */
  readonly notes?: readonly string[] | undefined
}

/** A promise of docs/performance.md, held against a figure of this run. */
export interface Verdict {
  readonly target: string
  readonly figure: number
  readonly unit: string
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
}

export interface SuiteResult {
  readonly tables: readonly Table[]
  readonly verdicts: readonly Verdict[]
}

/** How thorough a run is: `quick` for a look, `brief` for all rows within three quarters of an hour, `full`. */
export const modes = ['quick', 'brief', 'full'] as const
export type Mode = (typeof modes)[number]

export interface Thoroughness {
  readonly mode: Mode
  /** Whether a few rows will do. */
  readonly quick: boolean
  readonly pace: Pace
  /** The number for this mode, such as one of rounds. */
  pick(quick: number, brief: number, full: number): number
}

export type Suite = (thoroughness: Thoroughness) => Promise<SuiteResult>

export function isMet({ figure, atLeast, atMost }: Verdict): boolean {
  return (atLeast === undefined || figure >= atLeast) && (atMost === undefined || figure <= atMost)
}
