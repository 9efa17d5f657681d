import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAdapterContract } from 'portcullis/adapter-testing'
import { describe, expect, it } from 'vitest'
import { installedVersions } from '../conformance/frameworks.js'
import { conformancePage } from '../conformance/page.js'
import { read, root } from './markdown.js'

/** The cells of each line of the table. */
function tableOf(page: string): readonly (readonly string[])[] {
  const lines = page.split('\n').filter((line) => line.startsWith('|'))
  return lines.map((line) => line.slice(2, -2).split(' | '))
}

function sentenceOf(title: string): string {
  return title.replace(/^(\[[^\]]+\] )*/, '')
}

describe('docs/conformance.md', () => {
  const [frameworks = [], , versions = [], ...rows] = tableOf(read('docs/conformance.md'))

  it('has every row of the contract; `npm run conformance` writes it anew', () => {
    const { cases } = createAdapterContract({ name: 'none', start: () => Promise.reject(new Error('never asked')) })
    const sentences = cases.map(({ title, server }) =>
      server === undefined ? sentenceOf(title) : `on a server that ${server}: ${sentenceOf(title)}`,
    )
    const written = new Set(rows.map(([, sentence]) => sentence?.replaceAll('\\|', '|').replaceAll('&lt;', '<')))
    expect(sentences.filter((sentence) => !written.has(sentence))).toEqual([])
  })

  it('is of the releases installed here', () => {
    const written = Object.fromEntries(frameworks.slice(2).map((name, index) => [name, versions[index + 2]]))
    expect(written).toEqual(installedVersions(new Set(frameworks.slice(2))))
  })

  it('has passed in every framework', () => {
    for (const [, sentence, ...cells] of rows) expect(new Set(cells), sentence).toEqual(new Set(['✓']))
  })
})

describe('docs/conformance-open.md', () => {
  it('names no rule that the title of a test has, and gives every one a verdict with its reason', () => {
    const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    const tests = files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, 'test', file), 'utf8'))
    const [, , ...rows] = tableOf(read('docs/conformance-open.md'))
    expect(rows.length).toBeGreaterThan(5)
    for (const [rule = '', ...cells] of rows) {
      expect(rule).toMatch(/^[A-Z]+-\d\d$/)
      expect(cells.map((cell) => cell.trim() !== '')).toEqual([true, true, true])
      expect(tests.filter((text) => text.includes(`[${rule}]`)).length, rule).toBe(0)
    }
  })
})

describe('the page', () => {
  const results = [
    { framework: 'Koa 3', title: '[E-01] [E-02] says a|b', passed: true },
    { framework: 'Hono 4', title: '[E-01] [E-02] says a|b', passed: false },
    { framework: 'Koa 3', title: 'on a server: does more', passed: true },
  ]

  it('tells what passed, what failed and what was not asked', () => {
    const page = conformancePage(results, { 'Koa 3': '3.1.0', 'Hono 4': '4.2.0' })
    expect(page).toContain('2 rows, 2 frameworks: 2 of 3 pass.')
    expect(page).toContain('| E-01 E-02 | says a\\|b | ✓ | **✗** |')
    expect(page).toContain('|  | on a server: does more | ✓ |   |')
  })

  it('is not written about frameworks nobody knows the release of', () => {
    expect(() => installedVersions(new Set(['Koa 3', 'Koa 9']))).toThrow('Koa 9')
  })
})
