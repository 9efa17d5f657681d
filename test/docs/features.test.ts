import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { read, root } from './markdown.js'

const rows = [...read('docs/features.md').matchAll(/^\| (S\d)-(\d\d) \| (.+) \| (.+) \| (.*) \| (.*) \|$/gm)]
const verdict =
  /^(yes|yes, differently|yes; see delegation|partly|left out|n\/a|internal|resource server( and client)?|see delegation|planned: \w+)$/

describe('docs/features.md', () => {
  it.each([
    ['S0', 77],
    ['S3', 34],
    ['S4', 49],
  ])('has every row of %s once, in order', (section, count) => {
    const numbers = rows.filter((row) => row[1] === section).map((row) => Number(row[2]))
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1))
  })

  it('gives every row a verdict, a reason where it is not here, and a proof where it is', () => {
    for (const [line, , , , given = '', where, proof] of rows) {
      expect(given, line).toMatch(verdict)
      if (/^(n\/a|left out)$/.test(given)) expect(where, line).not.toBe('')
      if (line.startsWith('| S0') && given.startsWith('yes') && !line.includes('S0-77'))
        expect(proof, line).not.toBe('')
    }
  })

  it('names test files that exist', () => {
    const files = rows.flatMap((row) =>
      [...(row[6] as string).matchAll(/`([^`]+)`/g)].map((match) => match[1] as string),
    )
    expect(files.length).toBeGreaterThan(100)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})
