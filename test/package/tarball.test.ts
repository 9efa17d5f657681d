import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const { exports: entries } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const subpaths = Object.keys(entries).filter((subpath) => subpath !== './package.json')
const specifier = (subpath: string) => `portcullis${subpath.slice(1)}`

let consumer: string

/** Unpacks the tarball where a consumer would have it, with every other package beside it. */
beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'portcullis-consumer-'))
  const modules = join(consumer, 'node_modules')
  await mkdir(join(modules, 'portcullis'), { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[')))
  await run('tar', ['-xzf', join(consumer, filename), '--strip-components=1', '-C', join(modules, 'portcullis')])
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  }
}, 180_000)

afterAll(() => rm(consumer, { recursive: true, force: true }))

async function evaluate(source: string, type: 'module' | 'commonjs'): Promise<string> {
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, '--eval', source], { cwd: consumer })
  return stdout.trim()
}

async function compile(name: string, source: string): Promise<string> {
  const file = join(consumer, name)
  await writeFile(file, source)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2022']
  const types = ['--types', 'node', '--lib', 'es2022,dom,dom.iterable,esnext.disposable', '--skipLibCheck']
  const outcome = run(process.execPath, [tsc, ...flags, ...types, file], { cwd: consumer })
  return outcome.then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  )
}

describe('the packed package', () => {
  it.each(subpaths)('loads %s by import', async (subpath) => {
    expect(
      await evaluate(`import('${specifier(subpath)}').then((m) => console.log(Object.keys(m).length > 0))`, 'module'),
    ).toBe('true')
  })

  it.each(subpaths)('gives the classes of %s the names they are exported by', async (subpath) => {
    const misnamed = await evaluate(
      `import('${specifier(subpath)}').then((exported) => console.log(Object.entries(exported)
        .filter(([name, value]) => String(value).startsWith('class ') && value.name !== name).map(([name]) => name).join()))`,
      'module',
    )
    expect(misnamed).toBe('')
  })

  it.each(subpaths)('loads %s by require', async (subpath) => {
    expect(
      await evaluate(`console.log(Object.keys(require('${specifier(subpath)}')).length > 0)`, 'commonjs'),
    ).toContain('true')
  })

  it('[S0-77] [S3-33] [S3-34] says what it runs on, beside what, and under which licence', async () => {
    const packed = join(consumer, 'node_modules/portcullis')
    const { engines, type, license, peerDependencies } = JSON.parse(
      await readFile(join(packed, 'package.json'), 'utf8'),
    )
    expect({ engines, type, license }).toEqual({ engines: { node: '>=20.19.0' }, type: 'module', license: 'MIT' })
    expect(await readFile(join(packed, 'LICENSE'), 'utf8')).toContain('MIT License')
    for (const page of ['README.md', 'docs/features.md']) {
      expect(await readFile(join(root, page), 'utf8'), page).toContain('Node 20.19 and later')
    }
    for (const range of Object.values(peerDependencies)) expect(range).toMatch(/^(>=|\^)\d/)
  })

  it('compiles the first lines a user writes', async () => {
    const source = `
      import { createResourceServer } from 'portcullis'
      import { portcullis } from 'portcullis/express'
      const server = createResourceServer({ resource: 'https://api.example.com', issuer: 'https://login.example.com' })
      export const { metadata, requireToken } = portcullis(server)
    `
    expect(await compile('good.mts', source)).toBe('')
  })

  it('does not compile without a resource, nor with a misspelt option', async () => {
    const missing = `
      import { createResourceServer } from 'portcullis'
      createResourceServer({ issuer: 'https://login.example.com' })
    `
    const misspelt = `
      import { createResourceServer } from 'portcullis'
      createResourceServer({ resource: 'https://a.example.com', issuer: 'https://login.example.com', dpopp: 'required' })
    `
    expect(await compile('missing.mts', missing)).toMatch(/'resource' is missing|Property 'resource' is missing/)
    expect(await compile('misspelt.mts', misspelt)).toMatch(/dpopp/)
  })
})
