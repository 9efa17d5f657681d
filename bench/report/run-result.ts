import { existsSync, readFileSync } from 'node:fs'
import type { Mode, SuiteResult } from '../suites/suite.js'
import type { Machine } from './machine.js'

/** How and when a suite was measured. */
export interface Circumstances {
  readonly mode: Mode
  /** When it ended, in UTC. */
  readonly date: string
  readonly seconds: number
  /** How many processes wanted a processor, on the average of the minute before its end. */
  readonly load: number
}

export type MeasuredSuite = SuiteResult & Circumstances

/** Everything one Node found out. */
export interface RunResult {
  readonly machine: Machine
  readonly results: Readonly<Record<string, MeasuredSuite>>
}

/** What an earlier run of the same Node on the same machine left in a file; nothing where there is none. */
export function earlierResults(file: string, machine: Machine): RunResult['results'] {
  if (!existsSync(file)) return {}
  const earlier = JSON.parse(readFileSync(file, 'utf8')) as RunResult
  return JSON.stringify(earlier.machine) === JSON.stringify(machine) ? earlier.results : {}
}
