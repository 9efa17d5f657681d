/** Completion scripts for shells, from the table of commands. They call nothing and read no configuration. */
import type { CommandCall, ExitCode } from './command-io.js'
import { type Command, commands, commonFlags, type Flag, type shells } from './commands.js'

/** The work of `portcullis completion`. */
export async function completionCommand({ output, operand }: CommandCall): Promise<ExitCode> {
  output.data(completionScript(operand as (typeof shells)[number]))
  return 0
}

/** The script for a shell, to be sourced by it. @internal */
export function completionScript(shell: (typeof shells)[number]): string {
  return { bash, zsh, fish }[shell]()
}

/** The first word of a command, and what may follow it at once. */
const wordOf = ({ name }: Command) => name.split(' ')[0] as string
const nextOf = ({ name, operand }: Command) => [...name.split(' ').slice(1), ...(operand?.choices ?? [])]
const names = () => [...commands.map(wordOf), 'help'].join(' ')
const allFlags = ({ flags }: Command) => [...flags, ...commonFlags]

/** What the value of a flag may be: a file, one of a few words, or anything. */
const valueKind = ({ value, choices }: Flag) => choices ?? (value === 'FILE' ? 'file' : 'any')

function bash(): string {
  const cases = commands.map((command) => {
    const flags = allFlags(command).map(({ name }) => `--${name}`)
    return `    ${wordOf(command)}) words="${[...nextOf(command), ...flags].join(' ')}" ;;`
  })
  const flags = [...new Map(commands.flatMap(allFlags).map((flag) => [flag.name, flag])).values()]
  const values = flags
    .filter(({ value }) => value !== undefined)
    .map((flag) => {
      const kind = valueKind(flag)
      const work =
        kind === 'file'
          ? 'compopt -o default 2>/dev/null; return'
          : kind === 'any'
            ? 'return'
            : `words="${kind.join(' ')}"`
      return `    --${flag.name}) ${work} ;;`
    })
  return [
    '# portcullis completion bash: source it in ~/.bashrc',
    '_portcullis() {',
    '  local words',
    '  COMPREPLY=()',
    `  case "\${COMP_WORDS[1]}" in`,
    ...cases,
    `    *) words="${names()}" ;;`,
    '  esac',
    `  [ "$COMP_CWORD" = 1 ] && words="${names()}"`,
    `  case "\${COMP_WORDS[COMP_CWORD-1]}" in`,
    ...values,
    '  esac',
    `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -F _portcullis portcullis',
  ].join('\n')
}

function zsh(): string {
  const described = commands.map((command) => `    '${wordOf(command)}:${quoted(command.summary)}'`)
  const cases = commands.map((command) => {
    const choices = nextOf(command)
    const operand = choices.length === 0 ? [] : [`'1:operand:(${choices.join(' ')})'`]
    const flags = allFlags(command).map((flag) => `'${zshFlag(flag)}'`)
    return `    ${wordOf(command)}) _arguments ${[...operand, ...flags].join(' ')} ;;`
  })
  return [
    '#compdef portcullis',
    '# portcullis completion zsh: put it into a folder of $fpath as _portcullis, or source it after compinit',
    '_portcullis() {',
    '  local -a names',
    '  names=(',
    ...described,
    '  )',
    '  if (( CURRENT == 2 )); then _describe command names; return; fi',
    '  shift words; (( CURRENT-- ))',
    '  case $words[1] in',
    ...cases,
    '    help) (( CURRENT == 2 )) && _describe command names ;;',
    '  esac',
    '}',
    // As a file of $fpath its body is the function at the first call, and has to do the work itself.
    'if [ "$funcstack[1]" = _portcullis ]; then _portcullis "$@"; else compdef _portcullis portcullis; fi',
  ].join('\n')
}

function zshFlag(flag: Flag): string {
  const { name, value, describes } = flag
  const text = quoted(describes).replaceAll('[', '(').replaceAll(']', ')')
  if (value === undefined) return `--${name}[${text}]`
  const kind = valueKind(flag)
  const action = kind === 'file' ? '_files' : kind === 'any' ? ' ' : `(${kind.join(' ')})`
  return `--${name}[${text}]:${value}:${action}`
}

/** The second word of a command may be the name of another one. */
function seen(word: string): string {
  const owners = commands.filter(({ name }) => name.split(' ')[1] === word).map(wordOf)
  const others = owners.map((owner) => `not __fish_seen_subcommand_from ${owner}`)
  return [`__fish_seen_subcommand_from ${word}`, ...others].join('; and ')
}

function fish(): string {
  const lines = commands.flatMap((command) => [
    `complete -c portcullis -n __fish_use_subcommand -a ${wordOf(command)} -d '${quoted(command.summary)}'`,
    ...allFlags(command).map((flag) => fishFlag(wordOf(command), flag)),
    ...nextOf(command).map((word) => `complete -c portcullis -n '${seen(wordOf(command))}' -a ${word}`),
  ])
  return [
    '# portcullis completion fish: put it into ~/.config/fish/completions/portcullis.fish',
    'complete -c portcullis -f',
    ...lines,
    `complete -c portcullis -n '${seen('help')}' -a '${commands.map(wordOf).join(' ')}'`,
  ].join('\n')
}

function fishFlag(command: string, flag: Flag): string {
  const { name, value, describes } = flag
  const kind = valueKind(flag)
  const needs = kind === 'file' ? ' -r -F' : kind === 'any' ? ' -x' : ` -x -a '${kind.join(' ')}'`
  const takes = value === undefined ? '' : needs
  return `complete -c portcullis -n '${seen(command)}' -l ${name}${takes} -d '${quoted(describes)}'`
}

function quoted(text: string): string {
  return text.replaceAll("'", '').replaceAll(':', ' -')
}
