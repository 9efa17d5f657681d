import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { join as joinUrl } from 'node:path/posix'

/** The test files, by what they need of the process they run in. Paths from the root, with `/`. */
export interface TestFiles {
  /** Use nothing but the sources: many of them can share a process. */
  readonly together: readonly string[]
  /** Replace modules or globals of their process, read its memory, or may: each has a process of its own. */
  readonly alone: readonly string[]
  /** Start other programs: servers, browsers, keyrings, processes. Each runs while no other test does. */
  readonly outside: readonly string[]
}

const shared = /^test\/(unit|rfc|property)\//
const startsPrograms = /['"](node:)?(child_process|cluster|worker_threads)['"]|['"]playwright-core['"]/
const changesProcess =
  /\bvi\.(mock|doMock|resetModules|stubGlobal|stubEnv)\b|\bgetHeapSnapshot\b|\bglobalThis\.\w+ = |\bprocess\.(env\[[^\]]+\] = |chdir|umask)|defineProperty\((process|globalThis)/
const relativeImport = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

/** Those of the site need the built site, and have a configuration of their own. */
function isTestFile(path: string): boolean {
  return path.endsWith('.test.ts') && !path.startsWith('test/site/')
}

/** Sorts the test files below `root` by what they and the files of `test` they import say. */
export function sortTestFiles(root: string): TestFiles {
  const sources = new Map([...modulesBelow('test')].map((path) => [path, readFileSync(join(root, path), 'utf8')]))
  const kindOf = (file: string): keyof TestFiles => {
    const texts = [...reach(file)].map((path) => sources.get(path) as string)
    if (texts.some((text) => startsPrograms.test(text))) return 'outside'
    return shared.test(file) && !texts.some((text) => changesProcess.test(text)) ? 'together' : 'alone'
  }

  function* modulesBelow(folder: string): Iterable<string> {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory() && entry.name !== 'node_modules') yield* modulesBelow(path)
      if (entry.isFile() && path.endsWith('.ts')) yield path
    }
  }

  function reach(start: string): ReadonlySet<string> {
    const seen = new Set([start])
    for (const file of seen) {
      for (const [, path = ''] of (sources.get(file) as string).matchAll(relativeImport)) {
        const target = joinUrl(file, '..', path).replace(/\.js$/, '.ts')
        if (sources.has(target)) seen.add(target)
      }
    }
    return seen
  }

  const files = { together: [] as string[], alone: [] as string[], outside: [] as string[] }
  for (const file of [...sources.keys()].filter(isTestFile).sort()) {
    files[kindOf(file)].push(file)
  }
  return files
}
