/** What a missed target is made of, and which measurement shows it. */
export interface Explanation {
  /** The targets it speaks of. */
  readonly targets: RegExp
  readonly text: string
  /** A command of this repository, or a table of the report. */
  readonly measuredBy: string
}

export const explanations: readonly Explanation[] = []

export function explanationOf(target: string): Explanation | undefined {
  return explanations.find(({ targets }) => targets.test(target))
}
