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

/** docs/command.md: `text`, and a recorded call. */
export function commandPage(text: string, recorded: string): string {
  return [
    text.trimEnd(),
    '',
    '## What it says',
    '',
    'An ID token of Keycloak that was sent to an API:',
    '',
    '```text',
    recorded.trimEnd(),
    '```',
    '',
  ].join('\n')
}

/** docs/command-reference.md: what stands in the table of commands. */
export function commandReference(): string {
  return [
    '# Commands and flags',
    '',
    'Every command with its flags, exit codes and JSON. [The command](command.md) shows them at work.',
    '',
    '## Flags of every command',
    '',
    ...flagTable(commonFlags),
    '',
    ...commands.flatMap(section),
  ].join('\n')
}
