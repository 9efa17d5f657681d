import { isMet, type Verdict } from '../suites/suite.js'
import { explanationOf, explanations } from './explanations.js'
import { markdownTable } from './figure-pages.js'
import { verdictCells, verdictsOf } from './print.js'
import type { RunResult } from './run-result.js'
import { show } from './show.js'

/** Targets of every Node side by side, and what each miss is made of. */
export function targetPage(runs: readonly RunResult[]): string {
  const missed = missedTargets(runs)
  const parts = explanations.map((one) => explained(one, missed)).filter((part) => part !== '')
  const open = missed.filter((target) => explanationOf(target) === undefined)
  const rest = open.length === 0 ? '' : `\n\nNot explained yet:\n\n${open.map((target) => `- ${target}`).join('\n')}`
  const misses = missed.length === 0 ? 'None.' : `${parts.join('\n\n')}${rest}`
  return `# Targets

What was set out to be reached, and what was. Figures are compared within one run only: what counts is the ratio, the
microseconds belong to the machine. The *limit* is \`bench/limit.ts\`: what one would write by hand for one issuer, one key
and one algorithm, with the same checks, in straight lines. [How it is measured](method.md).

${targetTable(runs)}

## What the misses are made of

${misses}
`
}

/** How many targets a Node met. */
export function summaryOf(run: RunResult): string {
  const verdicts = verdictsOf(run)
  return `Node ${run.machine.node} meets ${verdicts.filter(isMet).length} of ${verdicts.length} targets.`
}

function missedTargets(runs: readonly RunResult[]): readonly string[] {
  const missed = runs.flatMap((run) => verdictsOf(run).filter((verdict) => !isMet(verdict)))
  return [...new Set(missed.map(({ target }) => target))]
}

function explained({ targets, text, measuredBy }: (typeof explanations)[number], missed: readonly string[]): string {
  const own = missed.filter((target) => targets.test(target))
  return own.length === 0 ? '' : `**${own.join('; ')}.** ${text} Measured by ${measuredBy}.`
}

function targetTable(runs: readonly RunResult[]): string {
  const all = new Map(runs.flatMap((run) => verdictsOf(run).map((verdict) => [verdict.target, verdict] as const)))
  const lines = [...all.values()].map((verdict) => {
    const [target = '', wanted = ''] = verdictCells([verdict])[1] ?? []
    return [target, wanted, ...runs.map((run) => outcome(sameTarget(run, verdict)))]
  })
  return markdownTable([['target', 'wanted', ...runs.map(({ machine }) => `Node ${machine.node}`)], ...lines])
}

function sameTarget(run: RunResult, { target }: Verdict): Verdict | undefined {
  return verdictsOf(run).find((verdict) => verdict.target === target)
}

function outcome(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '–'
  const figure = `${show(verdict.figure)} ${verdict.unit}`
  return isMet(verdict) ? figure : `**${figure}, missed**`
}
