/*
 * `npm run runtimes`: packs the package, installs it from its tarball, and runs the contract of adapters and the tests of the
 * core against it on each runtime, in turn. Exits with 1 where a test fails for which limits.ts has no reason, and where one
 * passes for which it has. `npm run runtimes -- bun deno` runs some of them; `node` is the Node that runs this. `--write` writes
 * what came of it into docs/runtimes.md. Runtimes come from the lock file beside this: `npm ci --prefix test/runtimes` first.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { limits } from './limits.js'
import { type Outcome, runContractInWorkerd } from './run-in-workerd.js'
import { type RuntimeReport, writeRuntimes } from './write-runtimes.js'

const root = join(import.meta.dirname, '..', '..')
const installed = join(import.meta.dirname, 'node_modules')
const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'vitest.runtimes.config.ts']
const limitMs = 1_200_000

/** The Node of that line; where it was not installed, as beyond Linux, the one that runs this. */
function nodeOf(line: string): string {
  const program = join(installed, `node${line}/bin/node`)
  return existsSync(program) ? program : process.execPath
}

const deno = join(installed, '@deno/linux-x64-glibc/deno')

/** What Vitest is started with. Bun and Deno run it themselves; Workers are started by a Node. */
const commands: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  node: [process.execPath],
  node20: [nodeOf('20')],
  node22: [nodeOf('22')],
  node24: [nodeOf('24')],
  bun: [join(installed, 'bun/bin/bun.exe'), '--bun'],
  deno: [deno, 'run', '-A', '--no-lock', '--node-modules-dir=manual'],
  workerd: [nodeOf('24')],
}
const versionArgs: Readonly<Record<string, readonly string[]>> = {
  bun: [join(installed, 'bun/bin/bun.exe'), '--version'],
  deno: [deno, '--version'],
  workerd: [join(installed, 'workerd/bin/workerd'), '--version'],
}

interface JsonReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: 'passed' | 'failed'
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
})
const unknown = positionals.find((name) => !(name in commands))
if (unknown !== undefined) throw new Error(`There is no ${unknown}. There are ${Object.keys(commands).join(', ')}.`)
const names = positionals.length > 0 ? positionals : Object.keys(commands).filter((name) => name !== 'node')
const consumer = mkdtempSync(join(tmpdir(), 'portcullis-runtimes-'))
process.once('exit', () => rmSync(consumer, { recursive: true, force: true }))

/** By the program that runs this script: on Windows `npm` is a file for a shell. */
function npm(args: readonly string[], cwd: string): string {
  return execFileSync(process.execPath, [process.env['npm_execpath'] ?? '', ...args], { cwd, encoding: 'utf8' })
}

/** Peers are those of the repository: the tests and the package must have one copy. */
function install(): void {
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', consumer]
  const packed = npm(pack, root).trim().split('\n').at(-1) as string
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const quiet = ['--silent', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--omit=peer']
  npm(['install', ...quiet, join(consumer, packed)], consumer)
  const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const name of Object.keys(peerDependencies)) {
    const link = join(consumer, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
}

async function runVitest(name: string): Promise<readonly Outcome[]> {
  const [program, ...args] = commands[name] as readonly [string, ...string[]]
  const report = join(consumer, `${name}.json`)
  const running = spawn(program, [...args, ...vitest, '--reporter=json', `--outputFile=${report}`], {
    cwd: root,
    env: { ...process.env, RUNTIME: name, CONSUMER: consumer },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: limitMs,
  })
  let errors = ''
  running.stderr.on('data', (chunk) => {
    errors = `${errors}${chunk}`.slice(-4000)
  })
  await once(running, 'close')
  if (!existsSync(report)) return [{ file: '', title: 'starts', failure: errors }]
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as JsonReport
  return testResults.flatMap(({ name: path, status, message, assertionResults }) => {
    const file = relative(join(root, 'test'), path).replaceAll('\\', '/').replace('.test.ts', '')
    if (status === 'failed' && !assertionResults.some((one) => one.status === 'failed')) {
      return [{ file, title: 'is loaded', failure: message }]
    }
    return assertionResults.map((one) => ({
      file,
      title: one.fullName,
      failure: one.status === 'passed' ? undefined : (one.failureMessages[0] ?? one.status),
    }))
  })
}

function judge(name: string, outcomes: readonly Outcome[]): RuntimeReport {
  const own = limits.filter(({ runtimes }) => runtimes.includes(name))
  const titles = own.flatMap((limit) => limit.titles)
  const isKnown = ({ title }: Outcome) => titles.some((part) => title.includes(part))
  const [known, others] = [outcomes.filter(isKnown), outcomes.filter((outcome) => !isKnown(outcome))]
  const unexpected = [
    ...others.filter(({ failure }) => failure !== undefined),
    ...known
      .filter(({ failure }) => failure === undefined)
      .map((one) => ({ ...one, failure: 'passes: see limits.ts' })),
    ...titles
      .filter((part) => !known.some(({ title }) => title.includes(part)))
      .map((title) => ({ file: 'limits.ts', title, failure: 'is no test' })),
  ]
  for (const { file, title, failure } of unexpected) console.log(`  FAIL ${file}: ${title}\n       ${failure}`)
  const passed = others.filter(({ failure }) => failure === undefined).length
  const version = versionOf(name)
  const reasons = known.length > 0 ? `, ${known.length} cannot pass there` : ''
  console.log(`${name} ${version}: ${passed} passed, ${unexpected.length} failed${reasons}`)
  return { name, version, passed, failed: unexpected.length, known: known.length }
}

function versionOf(name: string): string {
  const [program, ...args] = versionArgs[name] ?? [...(commands[name] as readonly string[]), '--version']
  return /\d[\d.-]+\d/.exec(execFileSync(program as string, args, { encoding: 'utf8' }))?.[0] ?? ''
}

install()
const reports: RuntimeReport[] = []
for (const name of names) {
  const outcomes = await runVitest(name)
  const contract =
    name === 'workerd' ? await runContractInWorkerd(join(installed, 'workerd/bin/workerd'), consumer) : []
  reports.push(judge(name, [...outcomes, ...contract]))
}
if (values.write) writeRuntimes(join(root, 'docs/runtimes.md'), reports)
if (reports.some(({ failed, passed }) => failed > 0 || passed === 0)) process.exitCode = 1
