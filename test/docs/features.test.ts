import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { read, root } from './markdown.js'

const rows = [...read('docs/features.md').matchAll(/^\| (S\d)-(\d\d) \| (.+) \| (.+) \| (.*) \| (.*) \|$/gm)]
const verdict =
  /^(yes|yes, differently|yes; see delegation|partly|left out|n\/a|internal|resource server( and client)?|see delegation|planned: \w+)$/

/** A decision, which no test can prove. */
const withoutTest: ReadonlySet<string> = new Set(['S3-32'])

const idOf = (line: string) => line.slice(2, 7)
const filesOf = (proof: string) => [...proof.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)

describe('docs/features.md', () => {
  it.each([
    ['S0', 77],
    ['S1', 84],
    ['S2', 56],
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
      if (!/^(n\/a|left out|planned: \w+)$/.test(given) && !withoutTest.has(idOf(line))) {
        expect(proof, line).not.toBe('')
      }
    }
  })

  it('names test files that exist, one of which has the row in a title', () => {
    expect(rows.flatMap(([, , , , , , proof = '']) => filesOf(proof)).length).toBeGreaterThan(100)
    for (const [line, , , , given = '', , proof = ''] of rows) {
      const files = filesOf(proof)
      for (const file of files) expect(existsSync(join(root, file)), `${line}: ${file}`).toBe(true)
      if (files.length === 0 || given === 'n/a' || given === 'left out') continue
      expect(files.map((file) => read(file)).join(''), line).toContain(`[${idOf(line)}]`)
    }
  })
})
