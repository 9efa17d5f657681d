import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { importTime, modulesLoadedBy, runScript } from '../measure/fresh-process.js'
import { spreadOf } from '../measure/statistics.js'
import type { Table } from './suite.js'

interface SourceFile {
  readonly path: string
  readonly text: string
}

/** What importing the main entry is made of: each part in a process of its own, in turn with the whole. */
export function startParts(root: string, runs: number): Table {
  const files = filesOf(root)
  const bytes = files.reduce((sum, { text }) => sum + text.length, 0)
  const platform = [
    ...new Set(
      files.flatMap(({ text }) => [...text.matchAll(/ from "(node:[\w/]+)"/g)]).map(([, name]) => name as string),
    ),
  ]
  const empty = emptyCopy(root, files)
  const nothing = pathToFileURL(join(empty, 'nothing.js')).href
  const parts = {
    whole: () => importTime(['portcullis']),
    loader: () => importTime([nothing]),
    platform: () => importTime([nothing, ...platform]),
    files: () => importTime([nothing, pathToFileURL(join(empty, relative(root, entryOf(files)))).href]),
    compiling: () => compileTime(files),
  }
  const times: Record<keyof typeof parts, number[]> = { whole: [], loader: [], platform: [], files: [], compiling: [] }
  for (let run = 0; run < runs; run++) {
    for (const [name, measure] of Object.entries(parts)) times[name as keyof typeof parts].push(measure())
  }
  rmSync(empty, { recursive: true })
  const { whole, loader, compiling } = times
  const beyondLoader = (all: readonly number[]) => all.map((ms, run) => ms - (loader[run] as number))
  const [ofPlatform, ofFiles] = [beyondLoader(times.platform), beyondLoader(times.files)]
  const known = [loader, ofPlatform, ofFiles, compiling]
  const rest = whole.map((ms, run) => known.reduce((left, part) => left - (part[run] as number), ms))
  const rows = [
    ['importing portcullis', whole],
    ['the first import of a process: of an empty module', loader],
    [`modules of Node: ${platform.join(', ')}`, ofPlatform],
    [`finding, reading and linking ${files.length} files: the same files with nothing but their imports`, ofFiles],
    [`compiling ${(bytes / 1000).toFixed(0)} kB`, compiling],
    ['the rest: linking names, and running what modules do at once', rest],
  ] as const
  return {
    id: 'start-parts',
    title: 'What importing portcullis is made of',
    unit: 'ms',
    rows: rows.map(([name, figures]) => ({ name, figure: spreadOf(figures) })),
    notes: [
      'Each part in a fresh process of its own; the rest is what they leave of the whole, and may come out negative.',
    ],
  }
}

const entryOf = ([first]: readonly SourceFile[]) => (first as SourceFile).path

/** The files of the package behind its main entry, which comes first. */
function filesOf(root: string): readonly SourceFile[] {
  const own = pathToFileURL(join(root, 'dist')).href
  const paths = modulesLoadedBy(['portcullis'])
    .filter((url) => url.startsWith(own))
    .map((url) => fileURLToPath(url))
  return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }))
}

/** The same package in another folder, its files with nothing in them but which others they import. */
function emptyCopy(root: string, files: readonly SourceFile[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-start-'))
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  writeFileSync(join(folder, 'nothing.js'), '')
  for (const { path, text } of files) {
    const imports = [...text.matchAll(/^(?:import|export)\b[^;]*?["']([#.][^"']+)["'];$/gm)]
    const copy = join(folder, relative(root, path))
    mkdirSync(dirname(copy), { recursive: true })
    writeFileSync(copy, imports.map(([, target]) => `import ${JSON.stringify(target)}\n`).join(''))
  }
  return folder
}

/** Milliseconds for what V8 does with the text of modules before they run. */
function compileTime(files: readonly SourceFile[]): number {
  const paths = JSON.stringify(files.map(({ path }) => path))
  return Number(
    runScript(
      `
    import { readFileSync } from 'node:fs'
    import { SourceTextModule } from 'node:vm'
    const texts = ${paths}.map((path) => readFileSync(path, 'utf8'))
    const startedAt = performance.now()
    for (const text of texts) new SourceTextModule(text)
    process.stdout.write(String(performance.now() - startedAt))`,
      ['--experimental-vm-modules', '--no-warnings'],
    ),
  )
}
