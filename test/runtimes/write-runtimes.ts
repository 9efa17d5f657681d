import { readFileSync, writeFileSync } from 'node:fs'
import { limits } from './limits.js'

/** What came of one runtime. */
export interface RuntimeReport {
  readonly name: string
  readonly version: string
  readonly passed: number
  /** Those without a reason. */
  readonly failed: number
  /** How many cannot pass, as limits.ts says. */
  readonly known: number
}

const labels: Readonly<Record<string, string>> = { bun: 'Bun', deno: 'Deno', workerd: 'workerd' }
const servers: Readonly<Record<string, string>> = {
  bun: '`Bun.serve`, and its `node:http`',
  deno: '`Deno.serve`, and its `node:http`',
  workerd: "workerd's own",
}
const between = /<!-- runs -->[\s\S]*<!-- \/runs -->/

/** Writes the tables between the comments `<!-- runs -->` and `<!-- /runs -->`. Rows of what was not run now stay as they are. */
export function writeRuntimes(path: string, reports: readonly RuntimeReport[]): void {
  const page = readFileSync(path, 'utf8')
  const rows = new Map(
    [...(between.exec(page)?.[0] ?? '').matchAll(/^\| ((?:Node )?\w+)\D.*\| \d+ \|$/gm)].map(([row, key]) => [
      key,
      row,
    ]),
  )
  for (const { name, version, passed, known } of reports) {
    const key = labels[name] ?? `Node ${version.split('.')[0]}`
    const label = labels[name] === undefined ? `Node ${version}` : `${key} ${version}`
    rows.set(key, `| ${label} | ${servers[name] ?? '`node:http`'} | ${passed} | ${known} |`)
  }
  const reasons = limits.map(({ runtimes, what, reason }) => {
    return `| ${runtimes.map((name) => labels[name]).join(', ')} | ${what} | ${reason} |`
  })
  const tables = [
    '| runtime | requests come by | passed | cannot pass there |',
    '|---|---|---:|---:|',
    ...[...rows.entries()].sort(([left = ''], [right = '']) => (left < right ? -1 : 1)).map(([, row]) => row),
    '',
    '| where | what is otherwise | why |',
    '|---|---|---|',
    ...reasons,
  ]
  const text = `<!-- runs -->\n${tables.join('\n')}\n<!-- /runs -->`
  writeFileSync(
    path,
    page.replace(between, () => text),
  )
}
