/** Completion scripts for shells, from the table of commands. They call nothing and read no configuration. */
import { commands, commonFlags, type Flag } from './commands.js'

/** The shells there is a script for. */
export const shells = ['bash', 'zsh', 'fish'] as const

/** The script for a shell, to be sourced by it. */
export function completionScript(shell: (typeof shells)[number]): string {
  return { bash, zsh, fish }[shell]()
}

const names = () => [...commands.map(({ name }) => name), 'completion', 'help'].join(' ')
const flagsOf = (flags: readonly Flag[]) => [...flags, ...commonFlags].map(({ name }) => `--${name}`).join(' ')

function bash(): string {
  const cases = commands.map(({ name, flags }) => `    ${name}) words="${flagsOf(flags)}" ;;`)
  return [
    '# portcullis completion bash: source it in ~/.bashrc',
    '_portcullis() {',
    '  local words',
    `  case "\${COMP_WORDS[1]}" in`,
    ...cases,
    `    completion) words="${shells.join(' ')}" ;;`,
    `    *) words="${names()}" ;;`,
    '  esac',
    `  [ "$COMP_CWORD" = 1 ] && words="${names()}"`,
    `  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -o default -F _portcullis portcullis',
  ].join('\n')
}

function zsh(): string {
  const described = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`)
  const cases = commands.map(({ name, flags }) => {
    const specs = [...flags, ...commonFlags].map((flag) => `'${zshFlag(flag)}'`)
    return `    ${name}) _arguments ${specs.join(' ')} ;;`
  })
  return [
    '#compdef portcullis',
    '# portcullis completion zsh: put it into a folder of $fpath as _portcullis',
    '_portcullis() {',
    '  local -a names',
    '  names=(',
    ...described,
    '  )',
    '  if (( CURRENT == 2 )); then _describe command names; return; fi',
    '  shift words; (( CURRENT-- ))',
    '  case $words[1] in',
    ...cases,
    `    completion) _values shell ${shells.join(' ')} ;;`,
    '  esac',
    '}',
    'compdef _portcullis portcullis',
  ].join('\n')
}

function zshFlag({ name, value, choices, describes }: Flag): string {
  const text = quoted(describes).replaceAll('[', '(').replaceAll(']', ')')
  if (value === undefined) return `--${name}[${text}]`
  return `--${name}[${text}]:${value}:${choices === undefined ? '_files' : `(${choices.join(' ')})`}`
}

function fish(): string {
  const lines = commands.flatMap(({ name, summary, flags }) => [
    `complete -c portcullis -n __fish_use_subcommand -f -a ${name} -d '${quoted(summary)}'`,
    ...[...flags, ...commonFlags].map((flag) => fishFlag(name, flag)),
  ])
  return [
    '# portcullis completion fish: put it into ~/.config/fish/completions/portcullis.fish',
    ...lines,
    `complete -c portcullis -n __fish_use_subcommand -f -a completion`,
    `complete -c portcullis -n '__fish_seen_subcommand_from completion' -f -a '${shells.join(' ')}'`,
  ].join('\n')
}

function fishFlag(command: string, { name, value, choices, describes }: Flag): string {
  const takes = value === undefined ? '' : choices === undefined ? ' -r' : ` -x -a '${choices.join(' ')}'`
  return `complete -c portcullis -n '__fish_seen_subcommand_from ${command}' -l ${name}${takes} -d '${quoted(describes)}'`
}

function quoted(text: string): string {
  return text.replaceAll("'", '').replaceAll(':', ' -')
}
