import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { read, root } from './markdown.js'

/** The last cell of each row: a file of tests, and the title of one. */
const named = read('docs/proof/faults.md')
  .split('\n')
  .filter((line) => /^\| (?!fault \|)/.test(line))
  .map((line) => line.split(' | ').at(-1)?.replace(/ \|$/, '') ?? '')

const written = readdirSync(join(root, 'test/faults'))
  .filter((name) => name.endsWith('.faults.ts'))
  .flatMap((name) => {
    const titles = read(`test/faults/${name}`).matchAll(/^ {2}(?:it\(|\S*\)\(|it\.each\(\w+\)\()(['"])(.+?)\1, async/gm)
    return [...titles].map(
      ([, , title = '']) => `\`${name.replace('.faults.ts', '')}\`: ${title.replaceAll('%s', '…')}`,
    )
  })

describe('docs/proof/faults.md', () => {
  it('has a row for each test of a fault, and no other', () => {
    expect(written.length).toBeGreaterThan(20)
    expect([...named].sort()).toEqual([...written].sort())
  })

  it('leaves no row without an answer', () => {
    expect(named.filter((cell) => !/^`[\w-]+`: \S/.test(cell))).toEqual([])
  })
})
