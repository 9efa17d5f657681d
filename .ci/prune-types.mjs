/*
 * Deletes the declarations in `dist` that no entry of the package leads to: those of private modules, which no user of the
 * package can see.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const reached = new Set(Object.values(entries).flatMap(({ types }) => (types ? [resolve(root, types)] : [])))

for (const file of reached) {
  const text = readFileSync(file, 'utf8')
  for (const [, path] of text.matchAll(/(?:from |import\(|import )['"](\.[^'"]+)\.js['"]/g)) {
    reached.add(resolve(dirname(file), `${path}.d.ts`))
  }
}

for (const name of readdirSync(join(root, 'dist'), { recursive: true })) {
  const file = join(root, 'dist', name)
  if (name.endsWith('.d.ts') && !reached.has(file)) rmSync(file)
}
