/** Prints the steps of the demo and remembers whether all of them were as said. */
export interface Report {
  readonly failed: boolean
  line(text?: string): void
  /** Runs one step. Its lines are printed under the title; what it throws marks the step as failed. */
  step(title: string, run: () => Promise<readonly string[]>): Promise<void>
}

/** A {@link Report} on standard output, in colour where the terminal has any. */
export function createReport(): Report {
  const colours = process.stdout.isTTY && process.stdout.hasColors()
  const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  const line = (text = '') => console.log(text)
  let number = 0
  let failed = false
  return {
    get failed() {
      return failed
    },
    line,
    async step(title, run) {
      number += 1
      try {
        const details = await run()
        line(`${paint(32, '✓')} ${number}. ${paint(1, title)}`)
        for (const detail of details) line(`     ${paint(2, detail)}`)
      } catch (error) {
        failed = true
        line(`${paint(31, '✗')} ${number}. ${paint(1, title)}`)
        line(`     ${paint(31, error instanceof Error ? error.message : String(error))}`)
      }
    },
  }
}

/** Ends a step that is not as said. */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`)
}
