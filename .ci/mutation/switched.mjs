/*
 * The part of `mutation.mjs` that tries edits by switching them on, one after another, in sources that hold all of them: the
 * tests are loaded once, and only those that reach an edit are run again. A test file for Vitest, in a copy of the
 * repository. What it finds out it appends to a file, a line for each step.
 *
 * A test that failed is run once more without the edit: where it fails then too, the edit has left something behind, and
 * that test is used no more. What no test noticed here, `recheck.mjs` tries again, by the files of tests not used.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import process, { env } from 'node:process'
import { it } from 'real-vitest'
import { load, perform, prepare, tests } from './collect.mjs'

const { edits, results } = JSON.parse(readFileSync(env['MUTATION_PLAN'], 'utf8'))
const tell = (...words) => appendFileSync(results, `${words.join(' ')}\n`)

globalThis.__stryker__ ??= {}
const stryker = globalThis.__stryker__
const hitsPerTest = new Map()
const durations = new Map()
const noticed = new Map()
const reachedByLoading = new Set()
const longestMs = 5000
const startedBy = process.ppid

const passes = (test, limitMs = longestMs) =>
  perform(test, limitMs).then(
    () => true,
    () => false,
  )

async function explore(test) {
  await prepare(test)
  const startedMs = performance.now()
  stryker.currentTestId = test.id
  const isGood = await passes(test)
  durations.set(test, performance.now() - startedMs)
  stryker.currentTestId = 'not counted'
  const isGoodAgain = await passes(test)
  stryker.currentTestId = undefined
  return isGood && isGoodAgain
}

/** `recheck.mjs` tries its file. */
function leaveOut(test, usable) {
  usable.delete(test)
  tell('unused', test.file)
}

/** Many edits leave a test waiting for what never comes: it gets a second and ten times what it takes without one. */
const patienceFor = (test) => Math.min(longestMs, 1000 + 10 * durations.get(test))

async function attempt(id, test) {
  Object.assign(stryker, { activeMutant: id, hitCount: 0, hitLimit: hitsPerTest.get(test)[id] * 100 + 1000 })
  const isGood = await passes(test, patienceFor(test))
  const { hitCount } = stryker
  Object.assign(stryker, { activeMutant: undefined, hitCount: undefined })
  return isGood ? { isNoticed: false, isReached: hitCount > 0 } : { isNoticed: true }
}

/** Those of the file named after the source first, then those that noticed most edits so far, then the quick ones. */
function likelyFirst(reaching, file) {
  const isNear = (test) => Number(basename(test.file, '.test.ts') === basename(file, '.ts'))
  const count = (test) => noticed.get(test) ?? 0
  const rank = (a, b) => isNear(b) - isNear(a) || count(b) - count(a) || durations.get(a) - durations.get(b)
  return reaching.sort(rank)
}

/**
 * `survived` where no test of this process notices it; `doubtful` where loading the files reaches it as well, or where a
 * test did not reach it again, since something was remembered.
 */
async function judge(id, file, usable) {
  let isDoubtful = reachedByLoading.has(id)
  const reaching = [...usable].filter((test) => hitsPerTest.get(test)[id] > 0)
  for (const test of likelyFirst(reaching, file)) {
    const { isNoticed, isReached } = await attempt(id, test)
    isDoubtful ||= isReached === false
    if (!isNoticed) continue
    if (await passes(test)) {
      noticed.set(test, (noticed.get(test) ?? 0) + 1)
      return 'killed'
    }
    leaveOut(test, usable)
  }
  return isDoubtful ? 'doubtful' : 'survived'
}

it('tries every edit', async () => {
  for (const file of JSON.parse(env['MUTATION_FILES'])) {
    await load(file)
    tell('loaded', file)
  }
  const usable = new Set(tests)
  for (const test of tests) {
    if (await explore(test)) tell('explored', test.id)
    else leaveOut(test, usable)
  }
  stryker.mutantCoverage ??= { static: {}, perTest: {} }
  for (const id of Object.keys(stryker.mutantCoverage.static)) reachedByLoading.add(id)
  for (const test of usable) hitsPerTest.set(test, stryker.mutantCoverage.perTest[test.id] ?? {})
  tell('tests', usable.size, 'of', tests.length)
  for (const { id, file } of edits) {
    if (process.ppid !== startedBy) throw new Error('The runner has ended.')
    tell('begun', id)
    tell(await judge(id, file, usable), id)
  }
}, 3_600_000)
