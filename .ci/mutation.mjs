/*
 * `npm run mutation -- <room>`: breaks the files of a room one edit at a time, and tells which edits no test notices.
 * A room is a folder or a file below `src`, or one of `adapters`. What became of an edit is kept in `.mutation`, and holds
 * for as long as the text of its file is the same: a run that was stopped goes on where it was, and a finished one is only
 * told again. `--again` tries those again that survived, after tests were added; `--anew` tries all of them.
 * Exits with 1 where an edit survives that `.ci/equivalent-mutants.json` does not name, with 2 where it did not finish.
 *
 * What counts is what the unit tests of the room notice, those in `test/unit/<room>` and what `vitest.mutation.config.ts` adds
 * to them. Stryker's instrumenter makes the edits. `src/inspector/page` is left out: it runs in a browser and is tested there.
 * First they are switched on one after another in one process, by `mutation/switched.mjs`. What survives that, above all in
 * code that runs while files are loaded, is written into the source and tried again by `mutation/recheck.mjs`.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { lineOf, makeMutants, openVerdicts, original } from './mutation/mutants.mjs'
import { endAll, switchOn, tryAgain } from './mutation/try-mutants.mjs'

const root = resolve(import.meta.dirname, '..')
const [room = '', ...flags] = process.argv.slice(2)
const source = /^adapters(\/|$)/.test(room) ? join(room) : join('src', room)
const stats = statSync(join(root, source), { throwIfNoEntry: false })
const isUsable = room !== '' && stats !== undefined && flags.every((flag) => ['--again', '--anew'].includes(flag))
if (!isUsable)
  throw new Error('Usage: npm run mutation -- <folder or file below src or in adapters> [--again | --anew]')

function sources() {
  if (!stats.isDirectory()) return [source]
  const names = readdirSync(join(root, source), { recursive: true }).filter((name) => name.endsWith('.ts'))
  const isInBrowser = (file) => file.startsWith(join('src', 'inspector', 'page', sep))
  return names
    .map((name) => join(source, name))
    .filter((file) => !isInBrowser(file))
    .sort()
}

function makeCopy() {
  const copy = mkdtempSync(join(tmpdir(), 'portcullis-mutation-'))
  process.once('exit', () => rmSync(copy, { recursive: true, force: true, maxRetries: 3 }))
  const isCopied = (path) => !/[\\/](node_modules|\.git|\.mutation|dist|coverage)$/.test(path)
  cpSync(root, copy, { recursive: true, filter: isCopied })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  return copy
}

const { files, mutants } = await makeMutants(root, sources())
const verdicts = openVerdicts(join(root, '.mutation/verdicts.txt'))
const withVerdict = (verdict) => mutants.filter((mutant) => verdicts.of(mutant) === verdict)
const tried = () => {
  const [killed, survived, unnoticed] = ['killed', 'survived', 'unnoticed'].map(
    (verdict) => withVerdict(verdict).length,
  )
  return `${source}: ${mutants.length} mutants, ${killed} killed, ${survived} survive, ${unnoticed} to be tried again`
}

async function measure() {
  const env = { ...process.env, MUTATION_ROOM: stats.isDirectory() ? room : dirname(room) }
  const place = { root, copy: makeCopy(), env }
  await switchOn(place, { files, mutants: withVerdict(undefined) }, verdicts.keep)
  console.log(tried())
  if (withVerdict('unnoticed').length > 0) await tryAgain(place, withVerdict('unnoticed'), verdicts)
}

/** What survives, each with its reason or without; gives the exit code. */
function report() {
  const equivalents = JSON.parse(readFileSync(join(root, '.ci/equivalent-mutants.json'), 'utf8'))
  const reasonFor = (mutant) =>
    equivalents.find(
      ({ file, line, code, replacement }) =>
        file === mutant.file &&
        line === lineOf(mutant) &&
        code === original(mutant) &&
        replacement === mutant.replacement,
    )?.reason
  const survivors = withVerdict('survived')
  for (const mutant of survivors) {
    const place = `${mutant.file}:${mutant.location.start.line + 1}`
    console.log(`${place} ${mutant.mutatorName}: ${original(mutant)} -> ${mutant.replacement}`)
    console.log(`  ${reasonFor(mutant) ?? 'NO TEST NOTICES IT'}`)
  }
  const real = survivors.filter((mutant) => reasonFor(mutant) === undefined)
  const killed = mutants.length - survivors.length
  console.log(
    `${source}: ${((100 * killed) / mutants.length).toFixed(1)} % of ${mutants.length} mutants killed; ` +
      `${survivors.length} survive, ${survivors.length - real.length} of them equivalent`,
  )
  return real.length === 0 ? 0 : 1
}

// Whatever ends it before it is done, also an event loop without work, is told.
let isDone = false
process.on('exit', () => {
  endAll()
  if (isDone) return
  process.exitCode = 2
  console.log(`NOT FINISHED. ${tried()}. The same command goes on from there.`)
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(2))

if (flags.includes('--anew')) mutants.forEach(verdicts.forget)
if (flags.includes('--again')) [...withVerdict('survived'), ...withVerdict('unnoticed')].forEach(verdicts.forget)
if (withVerdict(undefined).length + withVerdict('unnoticed').length > 0) {
  const progress = setInterval(() => console.log(tried()), 20_000)
  await measure()
  clearInterval(progress)
}
const exitCode = mutants.length === 0 ? 0 : report()
if (mutants.length === 0) console.log(`${source}: there is nothing to break`)
isDone = true
process.exitCode = exitCode
