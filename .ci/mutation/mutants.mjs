/* The part of `mutation.mjs` that makes the edits of sources and remembers what became of each. */
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Instrumenter } from '@stryker-mutator/instrumenter'

const quiet = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false }

/** Every edit of the files, and the files with all of them. */
export async function makeMutants(root, names) {
  const given = names.map((name) => ({ name, mutate: true, content: readFileSync(join(root, name), 'utf8') }))
  const options = { plugins: null, excludedMutations: [], ignorers: [] }
  const { files, mutants } = await new Instrumenter(quiet).instrument(given, options)
  const texts = new Map(given.map(({ name, content }) => [name, content]))
  const counted = mutants.filter(({ status }) => status !== 'Ignored')
  return {
    files,
    mutants: counted.map((mutant) => ({ ...mutant, file: mutant.fileName, text: texts.get(mutant.fileName) })),
  }
}

/** The place of a position, which counts from 0, in the text. */
function offsetOf(text, { line, column }) {
  return text.split('\n', line).reduce((sum, { length }) => sum + length + 1, column)
}

/** Without the space before it, so that a reason survives a change of the depth of a line. */
export function lineOf({ text, location }) {
  return text.split('\n')[location.start.line].trim()
}

export function original({ text, location }) {
  return text.slice(offsetOf(text, location.start), offsetOf(text, location.end))
}

export function mutantText({ text, location, replacement }) {
  return text.slice(0, offsetOf(text, location.start)) + replacement + text.slice(offsetOf(text, location.end))
}

/**
 * What became of each edit, kept in a file, so that a run that was stopped goes on from there: `killed`, `survived`, or
 * `unnoticed` while it was only switched on, with the test files left to try, `*` for all. It holds for as long as the text
 * of the edited file is the same.
 */
export function openVerdicts(path) {
  mkdirSync(dirname(path), { recursive: true })
  appendFileSync(path, '')
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const known = new Map(lines.map((line) => line.split(' ')).map(([key, ...verdict]) => [key, verdict]))
  const keys = new Map()
  const keyOf = (mutant) => {
    const key =
      keys.get(mutant) ??
      createHash('sha256')
        .update(`${mutant.file}\0${mutantText(mutant)}`)
        .digest('base64url')
    keys.set(mutant, key)
    return key
  }
  return {
    of: (mutant) => known.get(keyOf(mutant))?.[0],
    leftTests: (mutant) => known.get(keyOf(mutant)).slice(1),
    forget: (mutant) => known.delete(keyOf(mutant)),
    keep(mutant, ...verdict) {
      known.set(keyOf(mutant), verdict)
      appendFileSync(path, `${[keyOf(mutant), ...verdict].join(' ')}\n`)
    },
  }
}
