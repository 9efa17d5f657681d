/*
 * npm run bench [-- --quick | --brief] [--only tokens,http] [--node /path/to/node]… [--no-build] [--write | --no-write]
 *               [--core-hour 0.04]
 *
 * Installs the peers (bench/package.json, its own lock file), builds the package, and runs the suites on this Node, or on
 * each one named. The measured code is the package as it ships, through its own `exports`; the bench itself is compiled
 * to plain JavaScript, so that no loader stands between it and the engine.
 *
 * Results go to bench/results, one file per Node. A run with `--only` replaces those suites there and keeps the others.
 * `--write` writes docs/performance.md and the pages below it from all results of the Nodes named; full and brief runs do
 * so by themselves. `--core-hour` is what an hour of one processor core costs, in dollars.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const here = import.meta.dirname
const root = join(here, '..')
const modules = join(here, 'node_modules')
const compiled = join(modules, '.bench')

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    brief: { type: 'boolean', default: false },
    'core-hour': { type: 'string', default: '0.04' },
    cpu: { type: 'boolean', default: false },
    only: { type: 'string' },
    node: { type: 'string', multiple: true, default: [process.execPath] },
    build: { type: 'boolean', default: true },
    write: { type: 'boolean' },
  },
  allowNegative: true,
})

function run(command, args, cwd = root) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function installPeers() {
  const installed = join(modules, '.package-lock.json')
  const isCurrent =
    existsSync(installed) && statSync(installed).mtimeMs > statSync(join(here, 'package-lock.json')).mtimeMs
  if (!isCurrent) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], here)
  const self = join(modules, 'portcullis')
  if (!existsSync(self)) symlinkSync(root, self)
}

function compile() {
  mkdirSync(compiled, { recursive: true })
  const servers = ['http/app', 'http/session-app', 'http/load']
  const children = ['memory', 'tail', 'many', 'million', 'around'].map((name) => `suites/${name}-child`)
  const entries = ['main', 'write-report', ...servers, ...children]
  const inputs = entries.map((entry) => join(here, `${entry}.ts`))
  const options = [
    '--bundle',
    '--packages=external',
    '--format=esm',
    '--platform=node',
    '--target=node20',
    '--splitting',
  ]
  const output = [`--outdir=${compiled}`, `--outbase=${here}`, '--out-extension:.js=.mjs', '--log-level=warning']
  run(join(root, 'node_modules', '.bin', 'esbuild'), [...inputs, ...options, ...output])
  bundleWorkers()
}

/** As those who deploy Workers do: everything in one file, for a runtime without `node:` modules. */
function bundleWorkers() {
  const inputs = ['bare', 'jose', 'portcullis'].map((name) => join(here, 'workers', `${name}.mjs`))
  const options = ['--bundle', '--format=esm', '--platform=neutral', '--target=es2022', '--main-fields=module,main']
  const output = [`--outdir=${join(compiled, 'workers')}`, '--out-extension:.js=.mjs', '--log-level=warning']
  run(join(root, 'node_modules', '.bin', 'esbuild'), [
    ...inputs,
    ...options,
    '--conditions=workerd,worker,import',
    ...output,
  ])
}

installPeers()
if (values.build) run('npm', ['run', '--silent', 'build'])
compile()
const mode = values.quick ? 'quick' : values.brief ? 'brief' : 'full'
const results = values.node.map((node) => {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const file = join(here, 'results', `${version}.json`)
  const args = ['--expose-gc', join(compiled, 'main.mjs'), '--out', file, '--mode', mode]
  if (values.cpu) args.push('--cpu')
  if (values.only) args.push('--only', values.only)
  run(node, args)
  return file
})
if (values.write ?? !(values.quick || values.only))
  run(process.execPath, [join(compiled, 'write-report.mjs'), '--core-hour', values['core-hour'], ...results])
