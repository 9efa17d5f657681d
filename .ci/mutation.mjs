/*
 * `npm run mutation -- <room>`: breaks the files of a room one edit at a time, and tells which edits no test notices.
 * A room is a folder or a file below `src`; a further argument is given to Stryker. Exits with 1 where an edit survives
 * that `.ci/equivalent-mutants.json` does not name.
 *
 * What counts is what the unit tests of the room notice, those in `test/unit/<room>`. Stryker's runner passes over test
 * files that a mutant keeps from being collected, switches mutants of static code on too late, and takes a machine that
 * is busy for a test that hangs. So each survivor, and each mutant that ran out of time, is written into a copy of the
 * files and tried again under plain Vitest.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const [room, ...flags] = process.argv.slice(2)
const source = join('src', room ?? '')
if (room === undefined || !existsSync(join(root, source))) {
  throw new Error('Usage: npm run mutation -- <folder or file below src> [flags of Stryker]')
}
const isFolder = statSync(join(root, source)).isDirectory()
const mutated = isFolder ? `${source}/**/*.ts` : source
const env = { ...process.env, MUTATION_ROOM: isFolder ? room : dirname(room) }

/** The tests of a room take seconds. */
const hangsAfterMs = 180_000

function run(program, args, options) {
  return spawnSync(process.execPath, [join(root, 'node_modules', program), ...args], options).status === 0
}

/** Every mutant of the report that lies in the room, with its file. */
function readMutants() {
  const { files } = JSON.parse(readFileSync(join(root, '.stryker/report.json'), 'utf8'))
  return Object.entries(files).flatMap(([file, { source: text, mutants }]) =>
    file.startsWith(source) ? mutants.map((mutant) => ({ ...mutant, file, text })) : [],
  )
}

/** The place of a position, which counts from 1, in the text. */
function offsetOf(text, { line, column }) {
  return text.split('\n', line - 1).reduce((sum, { length }) => sum + length + 1, column - 1)
}

/** Without the space before it, so that a reason survives a change of the depth of a line. */
function lineOf({ text, location }) {
  return text.split('\n')[location.start.line - 1].trim()
}

function original({ text, location }) {
  return text.slice(offsetOf(text, location.start), offsetOf(text, location.end))
}

function isNoticed(copy, { file, text, location, replacement }) {
  const [start, end] = [offsetOf(text, location.start), offsetOf(text, location.end)]
  writeFileSync(join(copy, file), text.slice(0, start) + replacement + text.slice(end))
  const flagsOfVitest = ['--run', '--bail=1', '--config=vitest.mutation.config.ts']
  const isGreen = run('vitest/vitest.mjs', ['related', join(copy, file), ...flagsOfVitest], {
    cwd: copy,
    stdio: 'ignore',
    env,
    timeout: hangsAfterMs,
  })
  writeFileSync(join(copy, file), text)
  return !isGreen
}

function makeCopy() {
  const copy = mkdtempSync(join(tmpdir(), 'portcullis-mutation-'))
  const isCopied = (path) => !/[\\/](node_modules|\.git|\.stryker|dist|coverage)$/.test(path)
  cpSync(root, copy, { recursive: true, filter: isCopied })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  return copy
}

const stryker = '@stryker-mutator/core/bin/stryker.js'
if (!run(stryker, ['run', '--mutate', mutated, ...flags], { cwd: root, stdio: 'inherit', env })) process.exit(1)

const counted = readMutants().filter(({ status }) => !['Ignored', 'CompileError', 'RuntimeError'].includes(status))
const doubtful = counted.filter(({ status }) => ['Survived', 'NoCoverage', 'Timeout'].includes(status))
const copy = makeCopy()
const survivors = doubtful.filter((mutant) => !isNoticed(copy, mutant))
rmSync(copy, { recursive: true, force: true })

const equivalents = JSON.parse(readFileSync(join(root, '.ci/equivalent-mutants.json'), 'utf8'))
const reasonFor = (mutant) =>
  equivalents.find(
    ({ file, line, code, replacement }) =>
      file === mutant.file &&
      line === lineOf(mutant) &&
      code === original(mutant) &&
      replacement === mutant.replacement,
  )?.reason
for (const mutant of survivors) {
  const place = `${mutant.file}:${mutant.location.start.line}`
  console.log(`${place} ${mutant.mutatorName}: ${original(mutant)} -> ${mutant.replacement}`)
  console.log(`  ${reasonFor(mutant) ?? 'NO TEST NOTICES IT'}`)
}
const real = survivors.filter((mutant) => reasonFor(mutant) === undefined)
const killed = counted.length - survivors.length
console.log(
  `${source}: ${((100 * killed) / counted.length).toFixed(1)} % of ${counted.length} mutants killed; ` +
    `${survivors.length} survive, ${survivors.length - real.length} of them equivalent`,
)
process.exit(real.length === 0 ? 0 : 1)
