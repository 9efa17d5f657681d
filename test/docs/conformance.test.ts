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

  it('[ADP-07] is of every adapter: each runs the rows by the same function', () => {
    // Decorators declare; the guard of the framework they stand in answers.
    const adapters = readdirSync(join(root, 'adapters')).filter((name) => name !== 'decorators')
    expect(adapters.length).toBeGreaterThan(5)
    for (const name of adapters) {
      expect(read(`test/adapters/${name}.contract.test.ts`), name).toMatch(/^ *describeAdapterContract\(/m)
    }
  })

  it('has passed in every framework', () => {
    for (const [, sentence, ...cells] of rows) expect(new Set(cells), sentence).toEqual(new Set(['✓']))
  })
})

/** How many rows each section of the requirements has: they are numbered from 1, without a gap. */
const requirements = {
  ...{ C: 33, HTTP: 11, BEAR: 16, E: 15, JOSE: 21, JWT: 13, JWKS: 8, AT: 13, DPOP: 26, 'DPOP-C': 8, MTLS: 6, INTR: 11 },
  ...{ REV: 4, PRM: 17, ASM: 11, STEP: 8, RAR: 6, RI: 5, TX: 15, ASRT: 9, DCR: 10, PKCE: 3, AZ: 11, PAR: 4, JAR: 2 },
  ...{ NAT: 3, CC: 1, OIDC: 9, LOGO: 3, CIMD: 8, IDJ: 8, TXN: 4, SEC: 10, MCP: 21, ADP: 8, REAL: 45 },
}

function idsOf([section, count]: [section: string, count: number]): readonly string[] {
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  return numbers.map((number) =>
    section.endsWith('-C') ? `${section}${number}` : `${section}-${String(number).padStart(2, '0')}`,
  )
}

/** The text of every test, the rows of the contract included. */
function testTexts(): readonly string[] {
  return ['test', 'src/testing/adapter-contract'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  )
}

describe('docs/conformance-open.md', () => {
  it('names no rule that the title of a test has, and gives every one a verdict with its reason', () => {
    const tests = testTexts()
    const [, , ...rows] = tableOf(read('docs/conformance-open.md'))
    expect(rows.length).toBeGreaterThan(5)
    for (const [rule = '', ...cells] of rows) {
      expect(rule).toMatch(/^[A-Z]+-\d\d$/)
      expect(cells.map((cell) => cell.trim() !== '')).toEqual([true, true, true])
      expect(tests.filter((text) => text.includes(`[${rule}]`)).length, rule).toBe(0)
    }
  })

  it('leaves no row of the requirements out that the title of no test has', () => {
    const open = new Set(tableOf(read('docs/conformance-open.md')).map(([rule]) => rule))
    const tests = testTexts().join('\n')
    const all = Object.entries(requirements).flatMap(idsOf)
    expect(all).toHaveLength(406)
    expect(all.filter((id) => !open.has(id) && !tests.includes(`[${id}]`))).toEqual([])
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
