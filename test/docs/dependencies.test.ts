import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import bundledPackages from '../../.ci/bundled-packages.json' with { type: 'json' }
import packageJson from '../../package.json' with { type: 'json' }
import { read, root } from './markdown.js'

interface Manifest {
  readonly license: string
  readonly engines?: { readonly node?: string }
  readonly dependencies?: Readonly<Record<string, string>>
}

function installed(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as Manifest
}

/** The rows of the table under a heading of docs/dependencies.md, by package. */
function rowsUnder(heading: string): Record<string, readonly string[]> {
  const section = read('docs/dependencies.md').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return Object.fromEntries(
    rows.map((row) => {
      const [name = '', ...cells] = row
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|'))
      return [name.replaceAll('`', ''), cells] as const
    }),
  )
}

const numbers = ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']

describe('docs/dependencies.md', () => {
  const { dependencies, peerDependencies } = packageJson

  it('has every runtime dependency with its range, licence and Node range', () => {
    const expected = Object.entries(dependencies).map(([name, range]) => {
      const { license, engines } = installed(name)
      return [name, [range, license, engines?.node ?? 'any']] as const
    })
    const found = Object.entries(rowsUnder('At run time')).map(([name, cells]) => [name, cells.slice(0, 3)] as const)
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
  })

  it('has every package whose code is in the bundle, which must be no dependency besides', () => {
    const expected = bundledPackages.map((name) => {
      const { license, engines } = installed(name)
      const range = packageJson.devDependencies[name as keyof typeof packageJson.devDependencies]
      return [name, [range, license, engines?.node ?? 'any']] as const
    })
    const found = Object.entries(rowsUnder('In the package itself')).map(
      ([name, cells]) => [name, cells.slice(0, 3)] as const,
    )
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
    expect(bundledPackages.filter((name) => name in dependencies)).toEqual([])
  })

  it('has every peer dependency with its range and licence', () => {
    const expected = Object.entries(peerDependencies).map(
      ([name, range]) => [name, [range, installed(name).license]] as const,
    )
    const found = Object.entries(rowsUnder('Optional peers')).map(([name, cells]) => [name, cells.slice(0, 2)] as const)
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
  })

  it('names all that the dependencies bring in turn', () => {
    const all = new Set(Object.keys(dependencies))
    for (const name of all) for (const further of Object.keys(installed(name).dependencies ?? {})) all.add(further)
    expect([...all].filter((name) => !(name in dependencies))).toEqual(['oauth4webapi'])
  })

  it('agrees with the number in the README', () => {
    expect(read('README.md')).toContain(`${numbers[Object.keys(dependencies).length]} at run time,`)
  })

  it('leaves every peer optional', () => {
    const optional = Object.entries(packageJson.peerDependenciesMeta).filter(([, meta]) => meta.optional)
    expect(optional.map(([name]) => name).sort()).toEqual(Object.keys(peerDependencies).sort())
  })
})
