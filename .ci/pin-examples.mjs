// Writes into the projects of examples/ the version of this package, as a part of `npm run release:version`, and the versions
// that its own lock file has of what they use besides: run it when that changes.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'))
const { version, devDependencies } = readJson('package.json')
const { packages } = readJson('package-lock.json')
const unlike = new Set(['@types/node']) // Goes by the Node of each project.

function pinned(dependencies = {}) {
  const entries = Object.entries(dependencies).map(([name, range]) => {
    if (name === 'portcullis') return [name, `^${version}`]
    return [name, name in devDependencies && !unlike.has(name) ? packages[`node_modules/${name}`].version : range]
  })
  return Object.fromEntries(entries)
}

for (const name of readdirSync(join(root, 'examples'))) {
  const file = join(root, 'examples', name, 'package.json')
  if (!existsSync(file)) continue
  const manifest = readJson('examples', name, 'package.json')
  for (const kind of ['dependencies', 'devDependencies']) manifest[kind] = pinned(manifest[kind])
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
}
