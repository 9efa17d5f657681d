import { spawnSync } from 'node:child_process'
import { spreadOf } from '../measure/statistics.js'
import { compiled } from '../set-up/compiled.js'
import type { Suite, Verdict } from './suite.js'

const adapters = ['express', 'fastify', 'koa', 'fetch'] as const
const frameworks = ['express', 'fastify', 'koa', 'hono', '@nestjs/core', 'redis', 'ioredis']

/** How long importing takes, in fresh processes, and what it brings in that nobody asked for. */
export const startUp: Suite = async ({ quick }) => {
  const runs = quick ? 3 : 15
  const entries = [['portcullis'], ...adapters.map((adapter) => ['portcullis', `portcullis/${adapter}`])]
  const times = entries.map(() => [] as number[])
  for (let run = 0; run < runs; run++) {
    entries.forEach((entry, index) => {
      times[index]?.push(importTime(entry))
    })
  }
  const loaded = entries.map(packagesLoadedBy)
  const rows = entries.map((entry, index) => ({
    name: entry.join(' + '),
    figure: spreadOf(times[index] as readonly number[]),
    cells: [[...(loaded[index] as ReadonlySet<string>)].join(', ')],
  }))
  const verdicts: Verdict[] = rows.slice(1).map(({ name, figure }) => ({
    target: `Importing ${name}`,
    figure: figure.median,
    unit: 'ms',
    atMost: 40,
  }))
  const uninvited = frameworks.filter((name) => loaded.some((packages) => packages.has(name)))
  const none = `Of ${frameworks.join(', ')}, these imports load`
  return {
    tables: [
      { id: 'start-up', title: 'Import time, in a fresh process', unit: 'ms', columns: ['packages loaded'], rows },
    ],
    verdicts: [...verdicts, { target: none, figure: uninvited.length, unit: 'packages', atMost: 0 }],
  }
}

function importTime(entry: readonly string[]): number {
  return Number(
    runScript(`
    const startedAt = performance.now()
    for (const name of ${JSON.stringify(entry)}) await import(name)
    process.stdout.write(String(performance.now() - startedAt))`),
  )
}

const printEveryModule = `
  import { writeSync } from 'node:fs'
  export async function load(url, context, next) {
    writeSync(1, url + '\\n')
    return next(url, context)
  }`

/** The packages that importing an entry loads modules of, ES modules and CommonJS alike. */
function packagesLoadedBy(entry: readonly string[]): ReadonlySet<string> {
  const output = runScript(`
    import { createRequire, register } from 'node:module'
    import { writeSync } from 'node:fs'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(printEveryModule)}))
    for (const name of ${JSON.stringify(entry)}) await import(name)
    for (const file of Object.keys(createRequire('file:///').cache)) writeSync(1, file + '\\n')`)
  const names = output.matchAll(/.*\/node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\/.*/g)
  return new Set([...names].map(([, name]) => name as string))
}

function runScript(script: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    cwd: compiled,
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
}
