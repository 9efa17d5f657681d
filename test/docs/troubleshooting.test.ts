import { describe, expect, it } from 'vitest'
import { errorDescriptions } from '../../src/errors/codes.js'
import { localLinks, read } from './markdown.js'

describe('docs/troubleshooting.md', () => {
  const links = localLinks('docs/troubleshooting.md')

  it('leads to every code of a refusal', () => {
    const missing = Object.keys(errorDescriptions).filter((code) => !links.includes(`errors.md#${code.toLowerCase()}`))
    expect(missing).toEqual([])
  })

  it('says in each row what is seen, why, and what to write', () => {
    const rows = read('docs/troubleshooting.md')
      .split('\n')
      .filter((line) => line.startsWith('| '))
    expect(rows.length).toBeGreaterThan(60)
    for (const row of rows) expect(row.split(' | '), row).toHaveLength(3)
  })
})
