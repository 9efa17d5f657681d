import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freePort } from '../support/loopback-server.js'
import { codeBlocks, read, root } from './markdown.js'

/** How the decorators of a program are compiled, by what its code block is marked with. */
const decorators = { ts: 'standard', 'ts experimentalDecorators': 'legacy' } as const

type Decorators = (typeof decorators)[keyof typeof decorators]

const legacyDecorators = {
  extends: '../../test/decorators-legacy/tsconfig.json',
  compilerOptions: { rootDir: '.' },
  include: ['.'],
}

afterEach(() => {
  vi.restoreAllMocks()
})

/** Runs a program until it prints its first line. It stands below `dist`: other tests read the folder of tests meanwhile. */
async function firstLine(code: string, kind: Decorators): Promise<readonly unknown[]> {
  await mkdir(join(root, 'dist'), { recursive: true })
  const made = await mkdtemp(join(root, 'dist', `decorators-${kind}-`))
  const file = join(made, 'first.ts')
  const printed = new Promise<readonly unknown[]>((resolve) => {
    vi.spyOn(console, 'log').mockImplementation((...line) => resolve(line))
  })
  try {
    if (kind === 'legacy') await writeFile(join(made, 'tsconfig.json'), JSON.stringify(legacyDecorators))
    await writeFile(file, code.replaceAll('3000', String(await freePort())))
    await import(/* @vite-ignore */ file)
    return await printed
  } finally {
    await rm(made, { recursive: true })
  }
}

describe('the program a page begins with', () => {
  it.each([
    ['express', [200, { subject: 'alice' }]],
    ['fastify', [200, { subject: 'alice' }]],
    ['koa', [200, { subject: 'alice' }]],
    ['fetch', [200, { subject: 'alice' }]],
    ['nestjs', [200, { subject: 'alice' }]],
    ['decorators', [200, { subject: 'alice' }]],
    ['mcp', [200, 'alice']],
  ])('of docs/%s.md answers 200 to a token of the test kit', async (name, expected) => {
    const page = `docs/${name}.md`
    const [program] = codeBlocks(page).filter(({ language }) => language in decorators)
    expect(read(page).split('\n## ')[0]).toContain(program?.code)
    const kind = decorators[program?.language as keyof typeof decorators]
    expect(await firstLine(program?.code ?? '', kind)).toEqual(expected)
  })
})

describe('the tabs of docs/getting-started.md', () => {
  const tabs = codeBlocks('docs/getting-started.md').filter(({ label }) => label !== '')

  it.each([
    ['Express', 'express'],
    ['Fastify', 'fastify'],
    ['Koa', 'koa'],
    ['Fetch', 'fetch'],
    ['NestJS', 'nestjs'],
    ['MCP', 'mcp'],
  ])('of %s are the packages and the program that docs/%s.md begins with', (label, name) => {
    const shown = tabs.filter((tab) => tab.label === label).map(({ language, code }) => [language, code])
    const page = codeBlocks(`docs/${name}.md`)
    const install = page.find(({ language }) => language === 'sh')
    const program = page.find(({ language }) => language in decorators)
    expect(shown).toEqual([install, program].map((block) => [block?.language, block?.code]))
  })
})

describe('the programs of docs/testing.md', () => {
  const programs = codeBlocks('docs/testing.md').filter(({ code }) => /console\.log\(.*\) \/\/ /.test(code))
  const printed: Readonly<Record<string, readonly unknown[]>> = {
    'requestFacts({': [true],
    "kind: 'down'": [503],
    'hold.release': [2, 1],
    mintOpaqueToken: ['alice', 'ERR_TOKEN_INACTIVE'],
    'issuer.listen': ['alice'],
    'clock.advance': ['ERR_TOKEN_EXPIRED'],
  }

  it('are these', () => {
    expect(programs).toHaveLength(Object.keys(printed).length)
  })

  it.each(Object.entries(printed))('with %s print what they say', async (words, expected) => {
    const [program] = programs.filter(({ code }) => code.includes(words))
    expect(await firstLine(program?.code ?? '', decorators.ts)).toEqual(expected)
  })
})
