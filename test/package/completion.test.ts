import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { commands, commonFlags, type Flag, shells } from '../../src/cli/commands.js'
import { completionScript } from '../../src/cli/completion.js'

type Shell = (typeof shells)[number]

/** Whether the shell is here. Where not, says which tests did not run; on CI that is an error. */
function hasShell(shell: Shell): boolean {
  if (spawnSync(shell, ['-c', 'exit']).status === 0) return true
  const message = `No ${shell} here, so the tests of its completion did NOT run.`
  if (process.env['CI']) throw new Error(message)
  console.error(`\n!!! ${message}\n`)
  return false
}

/** Ends the line as the user has typed it, and prints a word a line. */
const askBash = `
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_portcullis
printf '%s\\n' "\${COMPREPLY[@]}"`

/** zsh completes in a terminal alone, so it gets one. What `compadd` is handed is what a user would be shown. */
const askZsh = `
zmodload zsh/zpty
zpty shell "zsh -f -i"
zpty -w shell "source \${1:h}/setup $2"
zpty -n -w shell "$3"$'\\t'
zpty -r shell output '*<<begin>>*<<over>>*'
print -r -- "\${\${output##*<<begin>>}%%<<over>>*}"`

const setUpZsh = `
PS1=; fpath=(\${0:h} $fpath); autoload -Uz compinit; compinit -u -d \${0:h}/dump
if [ "$1" = source ]; then source \${0:h}/_portcullis; fi
bindkey '^I' complete-word
tell_begin() { print -r -- '<<begin>>' }
tell_over() { print -r -- '<<over>>'; exit }
compprefuncs=(tell_begin); comppostfuncs=(tell_over)
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -A hits "$@"; print -rl -- $hits; builtin compadd "$@"
}`

/** One folder for all questions: what zsh finds out about its functions is kept there. */
const folder = mkdtempSync(join(tmpdir(), 'portcullis-completion-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function complete(shell: Shell, line: string, way: 'source' | 'folder' = 'source'): readonly string[] {
  const file = join(folder, '_portcullis')
  writeFileSync(file, completionScript(shell))
  writeFileSync(join(folder, 'setup'), setUpZsh)
  const args = {
    bash: ['--norc', '-c', askBash, 'bash', file, ...line.split(' ')],
    zsh: ['-f', '-c', askZsh, 'zsh', file, way, line],
    fish: ['--no-config', '-c', `source '${file}'; complete -C '${line}'`],
  }[shell]
  const output = execFileSync(shell, args, {
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, TERM: 'dumb' },
  })
  const words = output.split(/\r?\n/).map((text) => (text.split('\t')[0] as string).trim())
  return [...new Set(words.filter((word) => word !== ''))].sort()
}

const nameOf = ({ name }: Flag) => `--${name}`
const verbs = commands.map(({ name }) => name.split(' ')[0]).sort()

describe.each(shells)('the completion in a real %s', (shell) => {
  describe.runIf(hasShell(shell))('', () => {
    it('[S1-71] offers every command, and the one that was begun', () => {
      expect(complete(shell, 'portcullis ').filter((word) => word !== 'help')).toEqual(verbs)
      expect(complete(shell, 'portcullis pre')).toEqual(['preflight'])
    })

    it.each(commands)('[S1-71] offers every flag of $name', ({ name, flags }) => {
      const expected = [...flags, ...commonFlags].map(nameOf).sort()
      expect(complete(shell, `portcullis ${name} --`)).toEqual(expected)
    })

    it('[S1-71] offers the values of a flag, a file for a file, and nothing for a text', () => {
      expect(complete(shell, 'portcullis login --mode ')).toEqual(['auto', 'device', 'loopback', 'manual'])
      expect(complete(shell, 'portcullis check --issuer ')).toEqual([])
      if (shell !== 'bash') expect(complete(shell, 'portcullis status --config ')).toContain('_portcullis')
    })

    it('[S1-71] offers the shells to completion, and the commands to help', () => {
      expect(complete(shell, 'portcullis completion ')).toEqual(expect.arrayContaining([...shells]))
      expect(complete(shell, 'portcullis help ').filter((word) => word !== 'help')).toEqual(
        expect.arrayContaining(verbs),
      )
    })
  })
})

it.runIf(hasShell('zsh'))('[S1-71] completes at the first try in zsh where it is a file of $fpath', () => {
  expect(complete('zsh', 'portcullis pre', 'folder')).toEqual(['preflight'])
})
