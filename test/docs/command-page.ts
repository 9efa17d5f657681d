import type { Command, Flag } from '../../src/cli/commands.js'
import { commands, commonFlags } from '../../src/cli/commands.js'
import { flagRow, usage } from '../../src/cli/help.js'

const cell = (text: string) => text.replaceAll('|', '\\|')
const flagTable = (flags: readonly Flag[]) => [
  '| flag | what it does |',
  '| --- | --- |',
  ...flags.map((flag) => {
    const [name, describes] = flagRow(flag)
    return `| \`${cell(name)}\` | ${cell(describes)} |`
  }),
]

function section(command: Command): string[] {
  const { name, summary, operand, flags, examples, exits, json } = command
  return [
    `## portcullis ${name}`,
    '',
    `\`${usage(command)}\` ${summary}.`,
    '',
    ...(operand === undefined ? [] : [`\`${operand.name}\`: ${operand.describes}.`, '']),
    ...(flags.length === 0 ? [] : [...flagTable(flags), '']),
    '```sh',
    ...examples.map(([line, what]) => `${line}   # ${what}`),
    '```',
    '',
    '| exit code | meaning |',
    '| --- | --- |',
    ...Object.entries(exits).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
    `With \`--json\`: ${json}.`,
    '',
  ]
}

/** docs/command.md: what stands in the table of commands, and `text` before it. */
export function commandPage(text: string): string {
  return [
    text.trimEnd(),
    '',
    '## Flags of every command',
    '',
    ...flagTable(commonFlags),
    '',
    ...commands.flatMap(section),
  ].join('\n')
}
