/*
 * Stands for `vitest` in test files whose tests shall be run many times: keeps them instead of running them. Knows what
 * the unit tests use of it. Everything else is that of Vitest itself.
 */
import { vi } from 'real-vitest'

export * from 'real-vitest'

/** Every test of the files loaded so far. */
export const tests = []
const cleanups = []
let suite
let loading

function within(run) {
  const outer = suite
  suite = { outer, isReady: false, beforeAll: [], beforeEach: [], afterEach: [] }
  const result = run()
  if (!(result instanceof Promise)) suite = outer
  return result
}

/** Loads a file, whose hooks hold for its own tests. */
export async function load(file) {
  suite = undefined
  loading = file
  await within(() => import(/* @vite-ignore */ file))
}

const functionOf = (given) => given.find((one) => typeof one === 'function')

function every(register) {
  const each =
    (cases) =>
    (name, ...given) => {
      const run = functionOf(given)
      const areLists = cases.every(Array.isArray)
      for (const one of cases) register(name, () => run(...(areLists ? one : [one])))
    }
  return Object.assign((name, ...given) => register(name, functionOf(given)), { each })
}

export const describe = every((_name, run) => within(run))
export const it = every((name, run) => tests.push({ id: `${tests.length}`, name, run, suite, file: loading }))
export const test = it
export const beforeAll = (run) => suite.beforeAll.push(run)
export const beforeEach = (run) => suite.beforeEach.push(run)
export const afterEach = (run) => suite.afterEach.push(run)
export const afterAll = () => {}
export const onTestFinished = (run) => cleanups.push(run)

function suitesOf({ suite: own }) {
  const suites = []
  for (let one = own; one !== undefined; one = one.outer) suites.unshift(one)
  return suites
}

async function runAll(hooks) {
  for (const hook of hooks) {
    const cleanup = await hook()
    if (typeof cleanup === 'function') cleanups.push(cleanup)
  }
}

/** Before the first test of a suite. */
export async function prepare(one) {
  for (const own of suitesOf(one)) {
    if (!own.isReady) await runAll(own.beforeAll)
    own.isReady = true
  }
}

const { setTimeout: later, clearTimeout: forget } = globalThis

function inTime(work, limitMs) {
  return new Promise((resolve, reject) => {
    const timer = later(() => reject(new Error('took too long')), limitMs)
    work.then(resolve, reject).finally(() => forget(timer))
  })
}

/** Runs a test with its hooks; rejects where it fails. */
export async function perform(one, limitMs) {
  const suites = suitesOf(one)
  const work = async () => {
    for (const { beforeEach: hooks } of suites) await runAll(hooks)
    await one.run({})
  }
  try {
    await inTime(work(), limitMs)
  } finally {
    const after = suites.reverse().flatMap(({ afterEach: hooks }) => hooks)
    for (const hook of [...cleanups.splice(0).reverse(), ...after]) await inTime((async () => hook())(), limitMs)
    vi.useRealTimers()
  }
}
