import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..', '..')

type Targets = Readonly<Record<string, { readonly node?: string; readonly default: string }>>

const { imports, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly imports: Targets
  readonly exports: Targets
}

/** The entries of the package and its platform files, from source. */
const fromSource: Plugin = {
  name: 'from-source',
  setup(builder) {
    builder.onResolve({ filter: /^(#|portcullis\/)/ }, ({ path }) => {
      const target = imports[path] ?? exports[path.replace('portcullis', '.')]
      const built = target?.node ?? target?.default
      return built === undefined ? undefined : { path: join(root, built.replace(/^\.\/dist\/(.+)\.js$/, '$1.ts')) }
    })
  },
}

const made = new Map<string, Promise<string>>()

/**
 * Makes one file of a program in `test`, named by its path there without `.ts`, and answers its path: a process then
 * starts ten times as fast. Made once in this process, and gone with it.
 */
export function bundledScript(name: string): Promise<string> {
  const known = made.get(name) ?? bundle(name)
  made.set(name, known)
  return known
}

async function bundle(name: string): Promise<string> {
  const folder = join(root, 'node_modules', '.cache', 'portcullis-scripts')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `${name.replaceAll('/', '-')}-${process.pid}.mjs`)
  process.once('exit', () => rmSync(outfile, { force: true }))
  await build({
    entryPoints: [join(root, 'test', `${name}.ts`)],
    outfile,
    plugins: [fromSource],
    bundle: true,
    external: ['@napi-rs/keyring'],
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url)",
    },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  })
  return outfile
}
