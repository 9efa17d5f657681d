/* The part of `mutation.mjs` that starts the processes in which edits are tried, and ends those that hang. */
import { fork, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { mutantText } from './mutants.mjs'

/** Longer than any test, or the start of Vitest, takes. */
const hangsAfterMs = 90_000

const children = new Set()

function remember(child) {
  children.add(child)
  child.once('exit', () => children.delete(child))
  // A message to a process that has just ended: whoever waits for its answer learns that from `disconnect`.
  child.on('error', () => {})
  return child
}

/** Ends every process started here. */
export function endAll() {
  for (const child of children) child.kill('SIGKILL')
}

/** Switches the edits on until all were tried or the process ended; `hear` gets each line that it told. */
function runSwitched({ root, copy, env }, mutants, hear) {
  const [plan, results, log] = ['plan.json', 'results.txt', 'log.txt'].map((name) => join(copy, '.mutation', name))
  mkdirSync(join(copy, '.mutation'), { recursive: true })
  writeFileSync(results, '')
  writeFileSync(plan, JSON.stringify({ edits: mutants.map(({ id, file }) => ({ id, file })), results }))
  const output = openSync(log, 'w')
  const child = remember(
    spawn(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), '--run', '--config=vitest.mutation.config.ts'],
      { cwd: copy, env: { ...env, MUTATION_PLAN: plan }, stdio: ['ignore', output, output] },
    ),
  )
  let heard = 0
  let heardAtMs = Date.now()
  const look = () => {
    const lines = readFileSync(results, 'utf8').split('\n').slice(heard, -1)
    heard += lines.length
    if (lines.length > 0) heardAtMs = Date.now()
    for (const line of lines) hear(...line.split(' '))
    if (Date.now() - heardAtMs > hangsAfterMs) child.kill('SIGKILL')
  }
  const watch = setInterval(look, 1000)
  return new Promise((resolve) => {
    child.once('exit', () => {
      clearInterval(watch)
      look()
      resolve(readFileSync(log, 'utf8').slice(-3000))
    })
  })
}

/** Switches each edit on; `keep` gets what became of it: `killed`, or `unnoticed` and the test files left to try. */
export async function switchOn(place, { files, mutants }, keep) {
  const originals = files.map(({ name }) => [join(place.copy, name), readFileSync(join(place.copy, name), 'utf8')])
  for (const { name, content } of files) writeFileSync(join(place.copy, name), content)
  const waiting = new Map(mutants.map((mutant) => [mutant.id, mutant]))
  const unused = new Set()
  let begun
  const end = (...verdict) => {
    if (begun !== undefined) keep(begun, ...verdict)
    begun = undefined
  }
  const told = {
    tests: (...words) => console.log('tests that can be used:', ...words),
    unused: (file) => unused.add(relative(place.copy, file)),
    begun(id) {
      begun = waiting.get(id)
      waiting.delete(id)
    },
    killed: () => end('killed'),
    survived: () => end('unnoticed', ...unused),
    doubtful: () => end('unnoticed', '*'),
  }
  while (waiting.size > 0) {
    const before = waiting.size
    const log = await runSwitched(place, [...waiting.values()], (word, ...values) => told[word]?.(...values))
    if (waiting.size === before) throw new Error(`No test could be run in the copy.\n${log}`)
    end('unnoticed', '*')
    if (waiting.size > 0) console.log(`the process ended, ${waiting.size} are left: it is started again`)
  }
  for (const [path, text] of originals) writeFileSync(path, text)
}

/** What the process says next: `hangs` where that takes too long, `ended` where it ended. */
function answerOf(child) {
  if (!child.connected) return 'ended'
  return new Promise((resolve) => {
    const end = (answer) => {
      clearTimeout(timer)
      child.off('message', end).off('disconnect', ended)
      resolve(answer)
    }
    const ended = () => end('ended')
    const timer = setTimeout(end, hangsAfterMs, 'hangs')
    child.on('message', end).on('disconnect', ended)
  })
}

async function startRecheck({ root, copy, env }) {
  const program = join(root, '.ci/mutation/recheck.mjs')
  const child = remember(fork(program, { cwd: copy, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
  const answer = await answerOf(child)
  if (answer === 'ready') return child
  throw new Error(`Vitest did not start in the copy: it ${answer}.`)
}

/**
 * Tries each edit under plain Vitest by the test files that `leftTests` gives; `keep` gets what became of it: `killed` or
 * `survived`. One that hangs the tests, or ends them twice, is noticed.
 */
export async function tryAgain(place, mutants, { leftTests, keep }) {
  let child = await startRecheck(place)
  const ask = async (request) => {
    child.send(request)
    const answer = await answerOf(child)
    if (answer !== 'hangs' && answer !== 'ended') return answer
    child.kill('SIGKILL')
    if (request.file !== undefined) writeFileSync(join(place.copy, request.file), request.text)
    child = await startRecheck(place)
    return answer
  }
  const red = await ask({})
  if (!Array.isArray(red)) throw new Error(`The tests do not run in the copy: Vitest ${red}.`)
  for (const file of red) console.log(`not used, since it fails without any edit: ${file}`)
  for (const mutant of mutants) {
    const { file, text } = mutant
    const request = { file, text, only: leftTests(mutant), red, mutant: mutantText(mutant) }
    const first = await ask(request)
    const answer = first === 'ended' ? await ask(request) : first
    keep(mutant, answer === false ? 'survived' : 'killed')
  }
  child.kill()
}
