/** The report of a request or a token: every step with what was expected and what came. Does NOT judge anything. */
import { type Shown, shown } from '../errors/index.js'

/**
 * What became of a step. `not_checked`: there was nothing to check, or nothing to check it by. `skipped`: a step before
 * it failed.
 *
 * @group Explain
 */
export type StepOutcome = 'passed' | 'failed' | 'warned' | 'not_checked' | 'skipped'

/** One step of a {@link Report}. @group Explain */
export interface ReportStep<Name extends string = string> {
  readonly name: Name
  readonly outcome: StepOutcome
  /** What would have been accepted. Cut, escaped, and without anything that looks like a JWT. */
  readonly expected: Shown | undefined
  /** What came. Written by the sender of the token, so that it is cut, escaped and masked alike. */
  readonly received: Shown | undefined
  /** The section that demands it: `RFC 9068 §4`. */
  readonly rule: string | undefined
  /** What is wrong and what to write, where the step failed or warns. */
  readonly sentence: string | undefined
}

/**
 * Every step of a judgement, in order; those after the first failure are `skipped`, not missing. Plain data that may be
 * attached to an issue: it holds no token, proof or secret, but names and values of registered claims.
 *
 * @group Explain
 */
export interface Report<Name extends string = string> {
  /** Whether no step failed. */
  readonly ok: boolean
  /** The step that failed. */
  readonly failed: Name | undefined
  /** That of the step that failed. */
  readonly sentence: string | undefined
  readonly steps: readonly ReportStep<Name>[]
}

/** What was found out about one step. */
export interface StepFinding {
  /** Default `passed`. */
  readonly outcome?: Exclude<StepOutcome, 'skipped'>
  /** Made fit to be shown. */
  readonly expected?: unknown
  /** Made fit to be shown. */
  readonly received?: unknown
  /** Shown as it is: our own words, and values that were made fit before. */
  readonly sentence?: string | undefined
}

/**
 * Writes a report.
 *
 * @param rules - the section that demands each step, by name, in the order of the steps; `''` for none.
 * @param findings - by step. A step without one was not checked. What follows the first failure counts for nothing.
 */
export function writeReport<Name extends string>(
  rules: Readonly<Record<Name, string>>,
  findings: Readonly<Partial<Record<Name, StepFinding>>>,
): Report<Name> {
  const names = Object.keys(rules) as Name[]
  const failedAt = names.findIndex((name) => findings[name]?.outcome === 'failed')
  const steps = names.map((name, index): ReportStep<Name> => {
    const isSkipped = failedAt >= 0 && index > failedAt
    const {
      outcome = 'passed',
      expected,
      received,
      sentence,
    }: StepFinding = isSkipped ? {} : (findings[name] ?? { outcome: 'not_checked' })
    return Object.freeze({
      name,
      outcome: isSkipped ? 'skipped' : outcome,
      expected: shown(expected),
      received: shown(received),
      rule: rules[name] === '' ? undefined : rules[name],
      sentence,
    })
  })
  const failed = steps[failedAt]
  return Object.freeze({
    ok: failed === undefined,
    failed: failed?.name,
    sentence: failed?.sentence,
    steps: Object.freeze(steps),
  })
}

/**
 * A report as lines of text for a terminal or a log: one per step that was looked at, and the sentence of the one that
 * failed.
 *
 * @group Explain
 */
export function reportText({ steps }: Report): string {
  return steps
    .filter(({ outcome }) => outcome === 'passed' || outcome === 'failed' || outcome === 'warned')
    .map(lineOf)
    .join('\n')
}

function lineOf({ name, outcome, expected, received, rule, sentence }: ReportStep): string {
  const values = [
    ...(received === undefined ? [] : [`received ${valueText(received)}`]),
    ...(expected === undefined ? [] : [`expected ${valueText(expected)}`]),
  ]
  const head = `${outcome.padEnd(6)} ${name}${values.length === 0 ? '' : `: ${values.join(', ')}`}`
  const line = rule === undefined ? head : `${head} (${rule})`
  return sentence === undefined ? line : `${line}\n       ${sentence}`
}

function valueText(value: Shown): string {
  return typeof value === 'object' ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]` : JSON.stringify(value)
}
