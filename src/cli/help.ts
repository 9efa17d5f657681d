/** The help texts, from the table of commands. */
import { wrap } from './command-io.js'
import { type Command, commands, commonFlags, type Flag } from './commands.js'

const width = 80

/** The help of `portcullis` itself. */
export function generalHelp(): string {
  return [
    'portcullis: why is this token refused, what does this server publish, who am I?',
    '',
    'Usage: portcullis <command> [operand] [flags]',
    '',
    'Commands',
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Flags of every command',
    ...columns(commonFlags.map(flagRow)),
    '',
    'portcullis <command> --help shows examples. Data goes to stdout, words to stderr.',
    'Exit codes: 0 yes or done, 1 no, 2 could not be told. NO_COLOR is honoured.',
  ].join('\n')
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const { name, summary, operand, flags, examples, exits } = command
  return [
    `portcullis ${name}: ${summary}`,
    '',
    `Usage: ${usage(command)}`,
    '',
    ...(operand === undefined ? [] : [...columns([[operand.name, operand.describes]]), '']),
    'Flags',
    ...columns([...flags, ...commonFlags].map(flagRow)),
    '',
    'Examples',
    ...examples.flatMap(([line, what]) => [`  # ${what}`, `  ${line}`]),
    '',
    'Exit codes',
    ...columns(Object.entries(exits)),
  ].join('\n')
}

/** `portcullis check [TOKEN] [flags]`. */
export function usage({ name, operand }: Command): string {
  const shown = operand?.choices?.join('|') ?? operand?.name
  const place = operand === undefined ? '' : operand.isRequired ? ` ${shown}` : ` [${shown}]`
  return `portcullis ${name}${place} [flags]`
}

/** `--timeout SECONDS` and what it does. @internal */
export function flagRow({ name, value, choices, describes }: Flag): readonly [string, string] {
  const shown = choices === undefined ? value : choices.join('|')
  return [shown === undefined ? `--${name}` : `--${name} ${shown}`, describes]
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.min(24, Math.max(...rows.map(([name]) => name.length)))
  return rows.flatMap(([name, text]) => {
    const lines = wrap(text, width - left - 4).split('\n')
    const isLong = name.length > left
    const first = isLong ? [`  ${name}`] : [`  ${name.padEnd(left)}  ${lines[0]}`]
    const rest = isLong ? lines : lines.slice(1)
    return [...first, ...rest.map((line) => `  ${' '.repeat(left)}  ${line}`)]
  })
}
