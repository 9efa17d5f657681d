import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { brokenLink, localLinks, read, root } from '../docs/markdown.js'

interface Manifest {
  readonly name: string
  readonly version?: string
  readonly private?: boolean
  readonly engines: { readonly node: string }
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifestOf = (folder: string) => JSON.parse(read(join(folder, 'package.json'))) as Manifest
const own = manifestOf('.')
const { packages: locked } = JSON.parse(read('package-lock.json')) as {
  readonly packages: Readonly<Record<string, { readonly version: string }>>
}
/** Where a tool of the project needs more than the package does. */
const newerNode: Readonly<Record<string, string>> = { 'hono-workers': '>=22.12.0' }
const projects = readdirSync(join(root, 'examples')).filter((name) =>
  existsSync(join(root, 'examples', name, 'package.json')),
)

describe.each(projects)('the project examples/%s', (name) => {
  const { dependencies, devDependencies, ...manifest } = manifestOf(`examples/${name}`)
  const readme = `examples/${name}/README.md`

  it('is started and tested by the usual commands, and says which Node it needs', () => {
    expect(manifest).toMatchObject({ name, private: true, engines: { node: newerNode[name] ?? own.engines.node } })
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(['start', 'test']))
  })

  const { portcullis, ...others } = { ...dependencies, ...devDependencies }

  it('depends on this version, and on one version of all else, so that a copy installs what was tested', () => {
    expect(portcullis).toBe(`^${own.version}`)
    expect(Object.entries(others).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })

  it('has the versions that the package itself is tested with, as node .ci/pin-examples.mjs writes them', () => {
    const ours = Object.keys(others).filter((of) => of !== '@types/node' && of in own.devDependencies)
    const tested = ours.map((of) => [of, locked[`node_modules/${of}`]?.version])
    expect(Object.fromEntries(ours.map((of) => [of, others[of]]))).toEqual(Object.fromEntries(tested))
  })

  it('has a page that says how to start it, whose links lead somewhere, and a line in the list', () => {
    expect(read(readme)).toMatch(/^(npm start|docker compose up --build)$/m)
    const broken = localLinks(readme).map((target) => brokenLink(readme, target))
    expect(broken.filter((reason) => reason !== undefined)).toEqual([])
    expect(read('examples/README.md')).toContain(`| [${name}](${name}/README.md) |`)
  })
})

it('all of them are found', () => {
  expect(projects).toHaveLength(10)
})
