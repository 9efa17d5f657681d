import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { read, root } from './markdown.js'

/** Limits nobody meets from outside: they follow from others, or only decide who does the work. */
const internal: ReadonlySet<string> = new Set([
  'src/jws/jwk.ts maxModulusCharacters',
  'src/jws/crypto/spread-verify-node.ts maxPooled',
  'src/jws/jwk.ts largestPrime',
  'src/resource-server/token/claim-paths.ts maxSharedLength',
  'src/jws/compact-jws.ts maxSharedLength',
  'src/kit/time-limit.ts longestTimerMs',
])

const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, s: 1000, min: 60_000, h: 3_600_000 }

interface Row {
  readonly title: string
  readonly value: string
  readonly path: string
  readonly name: string
}

const rows: readonly Row[] = read('docs/limits.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| limit |'))
  .map((line) => {
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
    const [, path = '', name = ''] = /^`([^`]+)` `([^`]+)`$/.exec(cells.at(-1) ?? '') ?? []
    return { title: cells[0] as string, value: cells[1] as string, path, name }
  })

/** The last number of a cell is what the source says: `8 KiB decoded, 10,923 characters` is 10,923. */
function shownNumber({ value, name }: Row): number {
  const numbers = [...value.replace(/\[[^\]]*\]\([^)]*\)/g, '').matchAll(/(\d[\d,]*\d|\d)(?: (KiB|MiB|s|min|h)\b)?/g)]
  const [, digits = '', unit = ''] = numbers.at(-1) ?? []
  const factor = /Seconds/.test(name) ? (units[unit] ?? 1) / 1000 : (units[unit] ?? 1)
  return Number(digits.replaceAll(',', '')) * factor
}

function evaluate(expression: string): number {
  const terms = expression.replaceAll('_', '').replaceAll('Math.ceil', '').trim()
  if (!/^[\d\s*/()+]+$/.test(terms)) throw new Error(`${expression} is no number`)
  return Math.ceil(Function(`return ${terms}`)() as number)
}

/** `name`, `object.member`, or a piece of the source that ends in the number. */
function sourceNumber({ path, name }: Row): number {
  const source = read(path)
  if (/[ ,]/.test(name)) {
    if (!source.includes(name)) throw new Error(`${path} has no ${name}`)
    return evaluate(/[\d_]+$/.exec(name)?.[0] ?? '')
  }
  const [object, member] = name.split('.')
  const pattern =
    member === undefined ? `\\b${object}(?:: | = )([\\d_][^\\n,}]*)` : `\\b${object} = \\{[^}]*\\b${member}: ([\\d_]+)`
  const [, expression = ''] =
    new RegExp(pattern).exec(source) ?? new RegExp(`\\b${name} = (Math[^\\n]*)`).exec(source) ?? []
  return evaluate(expression)
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`)
    .filter((file) => !file.startsWith('src/testing/'))
}

describe('docs/limits.md', () => {
  it('[REAL-05] names a source for every limit', () => {
    expect(rows.length).toBeGreaterThan(50)
    for (const { title, path } of rows) expect(path !== '' && existsSync(join(root, path)), title).toBe(true)
  })

  it.each(rows)('[REAL-05] says the number of the source: $title, $path', (row) => {
    expect(shownNumber(row)).toBe(sourceNumber(row))
  })

  it('[REAL-05] has every limit of the source', () => {
    const written = new Set(rows.map(({ path, name }) => `${path} ${name}`))
    const limits = [...sourceFiles('src'), ...sourceFiles('adapters')].flatMap((file) =>
      [
        ...read(file).matchAll(/^(?:export )?const ((?:max|longest|largest|bodyLimit)[A-Z]\w*) = (?:[\d_]|Math\.)/gm),
      ].map(([, name]) => `${file} ${name}`),
    )
    expect(limits.length).toBeGreaterThan(20)
    expect(limits.filter((limit) => !written.has(limit) && !internal.has(limit))).toEqual([])
  })
})
