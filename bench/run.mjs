/*
 * npm run bench [-- --quick] [--only tokens,http] [--node /path/to/node]… [--no-build] [--no-write]
 *
 * Installs the peers (bench/package.json, its own lock file), builds the package, and runs the suites on this Node, or on
 * each one named. The measured code is the package as it ships, through its own `exports`; the bench itself is compiled
 * to plain JavaScript, so that no loader stands between it and the engine. A full run writes docs/performance.md.
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
  const entries = ['main', 'write-report', ...servers, 'suites/memory-child', 'suites/tail-child']
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
}

installPeers()
if (values.build) run('npm', ['run', '--silent', 'build'])
compile()
const results = values.node.map((node, index) => {
  const file = join(compiled, `results-${index}.json`)
  const args = ['--expose-gc', join(compiled, 'main.mjs'), '--out', file]
  for (const flag of ['quick', 'cpu']) if (values[flag]) args.push(`--${flag}`)
  if (values.only) args.push('--only', values.only)
  run(node, args)
  return file
})
if (values.write ?? !(values.quick || values.only))
  run(process.execPath, [join(compiled, 'write-report.mjs'), ...results])
