import { readdirSync } from 'node:fs'
import { dirname } from 'node:path/posix'
import { defineConfig } from 'vitest/config'
import { sortTestFiles } from './test/support/test-files.js'
import base from './vitest.config.js'

const { projects: _, ...shared } = base.test ?? {}
const sorted = sortTestFiles(import.meta.dirname)

/** The nearest folder of unit tests, `undefined` for none. */
function unitTestsOf(room: string): string | undefined {
  const folder = `test/unit/${room}/`
  if ([...sorted.together, ...sorted.alone].some((file) => file.startsWith(folder))) return folder
  return room.includes('/') ? unitTestsOf(dirname(room)) : undefined
}

const adapters = readdirSync(`${import.meta.dirname}/adapters`)

/** The tests of all adapters, but for those named after another one. Hono's are those of `fetch`. */
function testsOfAdapter(name: string): RegExp {
  const others = adapters.filter((one) => one !== name).concat(name === 'fetch' ? [] : 'hono')
  const carriers = name === 'nest' ? '|decorators-legacy/nest' : ''
  return new RegExp(`^test/(adapters/(?!${others.join('|')})${carriers})`)
}

/**
 * Rooms with tests that count besides those in `test/unit/<room>`, or that are sorted `alone` there. They may share a
 * process while no other room's do.
 */
const further: Readonly<Record<string, RegExp>> = {
  adapters: /^test\/adapters\//,
  ...Object.fromEntries(adapters.map((name) => [`adapters/${name}`, testsOfAdapter(name)])),
  inspector: /^test\/unit\/inspector\//,
  providers: /^test\/providers\//,
  telemetry: /^test\/unit\/telemetry\//,
  testing: /^test\/(adapters\/fetch\.contract|docs\/testing)/,
}

/** Those of the nearest room that has some. */
function furtherTestsOf(room: string): RegExp | undefined {
  return further[room] ?? (room.includes('/') ? furtherTestsOf(dirname(room)) : undefined)
}

const room = process.env['MUTATION_ROOM'] ?? ''
const folder = unitTestsOf(room)
const furtherTests = furtherTestsOf(room)

function chosen(files: readonly string[]): string[] {
  if (folder === undefined && furtherTests === undefined) return files.filter((file) => !file.startsWith('test/docs/'))
  return files.filter((file) => folder !== undefined && file.startsWith(folder))
}

const added = [...sorted.together, ...sorted.alone].filter((file) => furtherTests?.test(file))
const together = [...new Set([...chosen(sorted.together), ...added])]
/** Starts threads, which end with it, and no other program: it counts although it is sorted `outside`. */
const ofThreads = 'test/unit/stores/keyring-thread.test.ts'
const alone = chosen([...sorted.alone, ofThreads]).filter((file) => !added.includes(file))

/** Loads the tests into one process, in which mutants are switched on: see .ci/mutation/switched.mjs. */
const switched = {
  resolve: {
    alias: [
      ...((base.resolve?.alias ?? []) as { find: string | RegExp; replacement: string }[]),
      { find: /^vitest$/, replacement: `${import.meta.dirname}/.ci/mutation/collect.mjs` },
      { find: /^real-vitest$/, replacement: `${import.meta.dirname}/node_modules/vitest/dist/index.js` },
    ],
  },
  test: {
    ...shared,
    setupFiles: ['./.ci/mutation/set-up.mjs'],
    include: ['.ci/mutation/switched.mjs'],
    pool: 'threads' as const,
    env: { MUTATION_FILES: JSON.stringify(together.map((file) => `${import.meta.dirname}/${file}`)) },
  },
}

/**
 * The tests that kill mutants: those of the room in MUTATION_ROOM, and without one all that start no other program. Run by
 * `npm run mutation`, see docs/proof/mutation.md. Files that can share a process load the sources once, which is most of the time.
 */
export default defineConfig({
  ...base,
  test: {
    ...shared,
    reporters: ['default'],
    // Those of the whole suite look at guards and frameworks only, and load all of the library.
    setupFiles: ['./.ci/mutation/set-up.mjs'],
    projects: [
      { extends: true as const, test: { name: 'together', include: together, isolate: false } },
      { extends: true as const, test: { name: 'alone', include: alone } },
    ].filter(({ test }) => test.include.length > 0),
  },
  ...(process.env['MUTATION_PLAN'] === undefined ? {} : switched),
})
