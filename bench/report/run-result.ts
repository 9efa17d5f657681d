import type { SuiteResult } from '../suites/suite.js'
import type { Machine } from './machine.js'

/** Everything one Node found out. */
export interface RunResult {
  readonly machine: Machine
  readonly quick: boolean
  readonly results: Readonly<Record<string, SuiteResult>>
}
