/*
 * The part of `mutation.mjs` that tries edits under plain Vitest, in a copy of the repository that is its directory. Gets
 * `{ file, text, mutant, only, red }` and answers whether the tests of the room notice the mutant; without a file, which test
 * files fail without any edit. Vitest stays loaded between them: starting it for each takes seconds. A mutant that loops for
 * ever hangs its thread, and whoever started this process ends it.
 */
import { writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { createVitest } from 'vitest/node'

const root = process.cwd()
const options = {
  config: 'vitest.mutation.config.ts',
  root,
  watch: false,
  bail: 1,
  maxWorkers: 1,
  pool: 'threads',
  reporters: [{}],
}
const vitest = await createVitest('test', options)

const knownTests = new Map()

/** The tests that import the file. */
async function testsOf(file) {
  if (knownTests.has(file)) return knownTests.get(file)
  vitest.config.related = [join(root, file)]
  const tests = await vitest.getRelevantTestSpecifications()
  knownTests.set(file, tests)
  return tests
}

/** The test files that fail; the first one only, but for `bail` 0. */
async function runTests(tests, bail) {
  vitest.state.filesMap.clear()
  vitest.state.errorsSet.clear()
  vitest.config.bail = bail
  for (const { config } of vitest.projects) config.bail = bail
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(tests)
  const red = testModules.filter((module) => !module.ok()).map(({ moduleId }) => moduleId)
  return { red, isRed: unhandledErrors.length > 0 || red.length > 0 }
}

/** `only`: the test files to run besides those with a process of their own, `*` for all. `red`: those not to run. */
async function isNoticed({ file, text, mutant, only, red }) {
  const path = join(root, file)
  const write = (content) => {
    writeFileSync(path, content)
    vitest.invalidateFile(path)
  }
  const isNamed = (moduleId) => only.includes('*') || only.includes(relative(root, moduleId))
  const isLeft = ({ project, moduleId }) => !red.includes(moduleId) && (project.name === 'alone' || isNamed(moduleId))
  const tests = (await testsOf(file)).filter(isLeft)
  if (tests.length === 0) return false
  const isNear = ({ moduleId }) => basename(moduleId, '.test.ts') === basename(file, '.ts')
  write(mutant)
  try {
    // Those named after the file notice most edits, and alone they are loaded quickly.
    if (await someFail(tests.filter(isNear))) return true
    return await someFail(tests.filter((test) => !isNear(test)))
  } finally {
    write(text)
  }
}

async function someFail(tests) {
  return tests.length > 0 && (await runTests(tests, 1)).isRed
}

/** The test files that fail without any edit. */
async function findRed() {
  return (await runTests(await vitest.globTestSpecifications(), 0)).red
}

process.on('message', async (edit) => process.send(await (edit.file === undefined ? findRed() : isNoticed(edit))))
process.on('disconnect', () => process.exit())
process.send('ready')
