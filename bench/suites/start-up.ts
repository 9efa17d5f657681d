import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { importTime, modulesLoadedBy } from '../measure/fresh-process.js'
import { pairedRatio, spreadOf } from '../measure/statistics.js'
import { compiled } from '../set-up/compiled.js'
import { startParts } from './start-parts.js'
import type { Row, Suite, Verdict } from './suite.js'

const adapters = ['express', 'fastify', 'koa', 'fetch'] as const
const frameworks = ['express', 'fastify', 'koa', 'hono', '@nestjs/core', 'redis', 'ioredis']

/** How long importing takes, in fresh processes, and what it brings in that nobody asked for. */
export const startUp: Suite = async ({ quick }) => {
  const runs = quick ? 3 : 15
  const entries = [['portcullis'], ...adapters.map((adapter) => ['portcullis', `portcullis/${adapter}`])]
  const own = entries.length
  entries.push(['node:crypto'])
  const times = entries.map(() => [] as number[])
  for (let run = 0; run < runs; run++) {
    entries.forEach((entry, index) => {
      times[index]?.push(importTime(entry))
    })
  }
  const loaded = entries.map(packagesLoadedBy)
  const rows = entries.map((entry, index) => ({
    name: index < own ? entry.join(' + ') : `${entry[0]} alone`,
    figure: spreadOf(times[index] as readonly number[]),
    cells: [[...(loaded[index] as ReadonlySet<string>)].join(', ') || 'none'],
  }))
  const behind = behindFrameworks(runs)
  const verdicts: Verdict[] = [...behind, ...rows.slice(own - 1, own)].map(({ name, figure }) => ({
    target: `Importing ${name}`,
    figure: figure.median,
    unit: 'ms',
    atMost: 20,
  }))
  const uninvited = frameworks.filter((name) => loaded.some((packages) => packages.has(name)))
  const command = commandTimes(runs)
  const none = `Of ${frameworks.join(', ')}, these imports load`
  return {
    tables: [
      {
        id: 'start-up',
        title: 'Import time, in a fresh process',
        unit: 'ms',
        columns: ['other packages loaded'],
        rows,
      },
      { id: 'behind-frameworks', title: 'Import time, once the framework is imported', unit: 'ms', rows: behind },
      startParts(packageFile('.'), runs),
      { id: 'command', title: 'A whole process of the command, without network', unit: 'ms', rows: command.rows },
    ],
    verdicts: [
      ...verdicts,
      ...command.verdicts,
      { target: none, figure: uninvited.length, unit: 'packages', atMost: 0 },
    ],
  }
}

/** What imports take in a process that has imported its framework, and so what Node starts for any import. */
function behindFrameworks(runs: number): readonly Row[] {
  const pairs = ['express', 'fastify', 'koa'].map((framework) => ({ framework, times: [] as number[] }))
  for (let run = 0; run < runs; run++) {
    for (const { framework, times } of pairs) {
      times.push(importTime(['portcullis', `portcullis/${framework}`], [framework]))
    }
  }
  return pairs.map(({ framework, times }) => ({
    name: `portcullis + portcullis/${framework}, once ${framework} is there`,
    figure: spreadOf(times),
  }))
}

/** A token that is refused for what it says itself, so that no issuer is asked. */
const idToken = [{ alg: 'ES256', typ: 'JWT' }, { iss: 'https://id.example.com', typ: 'ID', at_hash: 'x' }, 'signature']
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.')

/** From the start of a process to its end, in turn with one that does nothing. */
function commandTimes(runs: number): { readonly rows: readonly Row[]; readonly verdicts: readonly Verdict[] } {
  const script = packageFile('dist/src/cli/bin.js')
  const peer = createRequire(join(compiled, 'main.mjs')).resolve('jwt-cli')
  const nothing: number[] = []
  const check: number[] = []
  const decode: number[] = []
  for (let run = 0; run < runs; run++) {
    nothing.push(processTime(['-e', '0'], '', 0))
    check.push(processTime([script, 'check', '-'], idToken, 1))
    decode.push(processTime([peer], idToken, 0))
  }
  const [least, figure] = [spreadOf(nothing), spreadOf(check)]
  return {
    rows: [
      { name: 'node -e 0', figure: least },
      { name: 'portcullis check', figure },
      { name: 'jwt-cli, which decodes a token and checks nothing', figure: spreadOf(decode) },
    ],
    verdicts: [
      { target: 'portcullis check without network', figure: figure.median, unit: 'ms', atMost: 150 },
      {
        target: 'portcullis check, node -e 0 = 1',
        figure: pairedRatio(check, nothing).median,
        unit: 'times',
        atMost: 4,
      },
      {
        target: 'portcullis check, jwt-cli = 1',
        figure: pairedRatio(check, decode).median,
        unit: 'times',
        atMost: 1.5,
      },
    ],
  }
}

/** A file of the package under test. */
function packageFile(path: string): string {
  const manifest = createRequire(join(compiled, 'main.mjs')).resolve('portcullis/package.json')
  return join(dirname(manifest), path)
}

function processTime(args: readonly string[], input: string, exitCode: number): number {
  const startedAt = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { input, env: {}, encoding: 'utf8' })
  const time = performance.now() - startedAt
  if (status !== exitCode) throw new Error(stderr)
  return time
}

/** The packages that importing an entry loads modules of, ES modules and CommonJS alike. */
function packagesLoadedBy(entry: readonly string[]): ReadonlySet<string> {
  const names = modulesLoadedBy(entry).map((one) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(one)?.[1])
  return new Set(names.filter((name) => name !== undefined))
}
