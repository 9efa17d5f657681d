/**
 * Feeds parsers with what a coverage-guided fuzzer thinks up, starting from test/fuzz/corpus:
 *
 *   npm run fuzz                             each parser for 10 s
 *   npm run fuzz -- jwt keys --seconds=3600  two of them, an hour each
 *
 * What was interesting is kept in .fuzz, for the next run. What makes a parser break its word is written into the corpus,
 * where test/property/fuzz-corpus.test.ts finds it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { parsers } from './parsers.js'

const fuzzer = join(import.meta.dirname, 'node_modules/@jazzer.js/core/dist/cli.js')
const corpus = join(import.meta.dirname, 'corpus')
const work = '.fuzz'
/** Longer inputs find nothing that shorter ones do not, and slow all others down. */
const maxBytes = 4096

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '10' } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !Object.hasOwn(parsers, name))
if (unknown.length > 0) throw new Error(`There is no parser ${unknown}: ${Object.keys(parsers).join(', ')}`)
if (!existsSync(fuzzer)) throw new Error('First: npm ci --ignore-scripts --prefix test/fuzz')

/** One file for each parser: what is in it is watched, what it imports of packages is not. */
async function bundle(name: string): Promise<string> {
  const outfile = join(work, `${name}.cjs`)
  const call = `import { parsers } from './parsers.js'\nexport const fuzz = (data) => parsers.${name}(data.toString())`
  const of = (path: string) => join(import.meta.dirname, '../../src', path)
  await build({
    stdin: { contents: call, resolveDir: import.meta.dirname, loader: 'ts' },
    alias: {
      '#crypto': of('jws/crypto/node.ts'),
      '#diagnostics': of('kit/diagnostics-node.ts'),
      '#network': of('kit/fetch/network-node.ts'),
    },
    ...{ outfile, bundle: true, format: 'cjs', platform: 'node', target: 'node20', packages: 'external' },
    logLevel: 'error',
  })
  return outfile
}

async function fuzz(name: string): Promise<boolean> {
  const kept = join(work, name)
  mkdirSync(kept, { recursive: true })
  const seeds = join(corpus, name)
  const engine = [`-max_total_time=${values.seconds}`, `-max_len=${maxBytes}`, `-artifact_prefix=${seeds}/`]
  const { status } = spawnSync(
    process.execPath,
    [fuzzer, await bundle(name), kept, seeds, '--includes', work, '--', ...engine, '-print_final_stats=1'],
    { stdio: 'inherit' },
  )
  return status === 0
}

const chosen = positionals.length > 0 ? positionals : Object.keys(parsers)
for (const name of chosen) {
  console.log(`\n# ${name}`)
  if (!(await fuzz(name))) process.exitCode = 1
}
