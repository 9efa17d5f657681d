import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import bundledPackages from '../../.ci/bundled-packages.json' with { type: 'json' }

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const { exports: entries } = manifest
const subpaths = Object.keys(entries).filter((subpath) => !subpath.endsWith('.json'))
const specifier = (subpath: string) => `portcullis${subpath.slice(1)}`

let consumer: string
let packed: { readonly filename: string; readonly size: number; readonly files: readonly { readonly path: string }[] }

/** Unpacks the tarball where a consumer would have it, with every other package beside it. */
beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'portcullis-consumer-'))
  const modules = join(consumer, 'node_modules')
  await mkdir(join(modules, 'portcullis'), { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer], {
    cwd: root,
  })
  packed = JSON.parse(stdout.slice(stdout.indexOf('[')))[0]
  await run('tar', ['-xzf', join(consumer, packed.filename), '--strip-components=1', '-C', join(modules, 'portcullis')])
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  }
}, 180_000)

afterAll(() => rm(consumer, { recursive: true, force: true }))

const inPackage = (path: string) => join(consumer, 'node_modules/portcullis', path)

/** What a folder weighs with all below it, in bytes. */
async function weigh(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The manifests of all packages that an install brings beside ours. */
async function dependencyManifests(): Promise<Record<string, { readonly scripts?: Record<string, string> }>> {
  const found: Record<string, { dependencies?: Record<string, string>; scripts?: Record<string, string> }> = {}
  const names = new Set(Object.keys(manifest.dependencies))
  for (const name of names) {
    found[name] = JSON.parse(await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8'))
    for (const further of Object.keys(found[name]?.dependencies ?? {})) names.add(further)
  }
  return found
}

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
    const { engines, type, license, peerDependencies } = JSON.parse(await readFile(inPackage('package.json'), 'utf8'))
    expect({ engines, type, license }).toEqual({ engines: { node: '>=20.19.0' }, type: 'module', license: 'MIT' })
    expect(await readFile(inPackage('LICENSE'), 'utf8')).toContain('MIT License')
    for (const page of ['README.md', 'docs/features.md']) {
      expect(await readFile(join(root, page), 'utf8'), page).toContain('Node 20.19 and later')
    }
    for (const range of Object.values(peerDependencies)) expect(range).toMatch(/^(>=|\^)\d/)
  })

  it.each(bundledPackages)('holds the code of %s with its licence, and needs it not beside it', async (name) => {
    const chunks = packed.files.map(({ path }) => path).filter((path) => path.startsWith('dist/src/chunks/'))
    const texts = await Promise.all(chunks.map((path) => readFile(inPackage(path), 'utf8')))
    const holding = texts.filter((text) => text.includes(`* ${name} `))
    expect(holding).toHaveLength(1)
    const licence = await readFile(join(root, 'node_modules', name, 'LICENSE'), 'utf8')
    const words = (text: string) => text.replaceAll(/[\s*]+/g, ' ')
    expect(words(holding[0] as string)).toContain(words(licence.trim()))
    expect(texts.filter((text) => text.includes(`from "${name}"`))).toEqual([])
    expect(manifest.dependencies).not.toHaveProperty([name])
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

describe('the tarball', () => {
  it('holds code, types and the pages a user needs, and no source, map or test', () => {
    const others = packed.files
      .map(({ path }) => path)
      .filter((path) => !/^dist\/(src|adapters)\/.+\.(js|d\.ts)$/.test(path))
    const pages = ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json', 'schemas/auth-config.json']
    expect(others.sort()).toEqual(pages)
  })

  it('holds no declarations of private modules that no entry leads to', () => {
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toContain('dist/src/resource-server/resource-server.d.ts')
    expect(paths.filter((path) => /^dist\/src\/cli\/.+\.d\.ts$/.test(path))).toEqual([])
  })

  it('holds no file twice', async () => {
    const digests = packed.files.map(async ({ path }) => {
      const bytes = await readFile(inPackage(path))
      return createHash('sha256').update(bytes).digest('hex')
    })
    expect(new Set(await Promise.all(digests)).size).toBe(packed.files.length)
  })

  it('is of at most 550 kB, and installs at most 6 MB with all it depends on', async () => {
    expect(packed.size).toBeLessThan(550_000)
    const names = Object.keys(await dependencyManifests())
    const folders = [inPackage('.'), ...names.map((name) => join(root, 'node_modules', name))]
    const sizes = await Promise.all(folders.map(weigh))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(6_000_000)
  })

  it('runs nothing at an install, and neither does what it depends on', async () => {
    const manifests = Object.entries({ portcullis: manifest, ...(await dependencyManifests()) })
    const running = manifests.flatMap(([name, { scripts = {} }]) =>
      ['preinstall', 'install', 'postinstall'].filter((script) => script in scripts).map((script) => [name, script]),
    )
    expect(running).toEqual([])
    expect(manifest.scripts).not.toHaveProperty('prepare')
  })

  it('says whose it is, where its source is and where to report', () => {
    const home = 'https://github.com/portcullis-auth/portcullis'
    expect(manifest).toMatchObject({
      homepage: `${home}#readme`,
      bugs: { url: `${home}/issues` },
      repository: { type: 'git', url: `git+${home}.git` },
      author: expect.stringContaining('https://github.com/portcullis-auth'),
      funding: { url: 'https://github.com/sponsors/portcullis-auth' },
    })
  })

  it('has a README whose links lead somewhere from the page of the registry', async () => {
    const targets = [...(await readFile(inPackage('README.md'), 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)]
    expect(targets.length).toBeGreaterThan(20)
    expect(targets.map(([, target]) => target).filter((target) => !/^(https:\/\/|#)/.test(target as string))).toEqual(
      [],
    )
  })
})
