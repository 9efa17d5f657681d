// Writes the version of this package into the projects of examples/, as a part of `npm run release:version`.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
for (const name of readdirSync(join(root, 'examples'))) {
  const file = join(root, 'examples', name, 'package.json')
  if (!existsSync(file)) continue
  const text = readFileSync(file, 'utf8').replace(/("portcullis": )"[^"]+"/, `$1"^${version}"`)
  writeFileSync(file, text)
}
