import { inspect } from 'node:util'
import { expect } from 'vitest'

/** An option, values that it takes, values that it refuses, and how the refusal goes on after the name. */
export type OptionRow = readonly [name: string, taken: readonly unknown[], refused: readonly unknown[], words: string]

/** Tries each option by itself: `make` gets it, and throws where it is refused. */
export function expectRules(rows: readonly OptionRow[], make: (options: object) => unknown): void {
  for (const [name, taken, refused, words] of rows) {
    const given = (value: unknown) => () => make(within(name.split('.'), value))
    for (const value of taken) expect(given(value), `${name}: ${inspect(value, { depth: 0 })}`).not.toThrow()
    for (const value of refused) {
      expect(given(value), `${name}: ${inspect(value, { depth: 0 })}`).toThrow(`\`${name}\` ${words}`)
    }
  }
}

function within([name = '', ...rest]: readonly string[], value: unknown): object {
  return { [name]: rest.length === 0 ? value : within(rest, value) }
}
