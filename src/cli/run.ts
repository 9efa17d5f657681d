/** One call of the command: arguments taken apart, the work done, the exit code told. Never rejects. */
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { isPortcullisError } from '../errors/index.js'
import { failureCode } from '../kit/failure-code.js'
import { misspelt } from '../kit/options.js'
import { untilAborted } from '../kit/time-limit.js'
import { type CommandCall, CommandFailure, type CommandIo, createOutput, type ExitCode, plain } from './command-io.js'
import { type Command, commands, commonFlags, findCommand } from './commands.js'
import { completionScript, shells } from './completion.js'
import { commandHelp, generalHelp, usage } from './help.js'

/**
 * Runs `portcullis` with these arguments, without `node` and the script.
 *
 * @returns 0 yes or done, 1 no, 2 could not be told.
 */
export async function runCommand(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  try {
    return await untilAborted(io.signal, () => dispatch(args, io))
  } catch (error) {
    io.stderr.write(`portcullis: ${explain(error, io.signal)}\n`)
    return exitOf(error)
  }
}

async function dispatch([name, ...rest]: readonly string[], io: CommandIo): Promise<ExitCode> {
  if (name === undefined) {
    io.stderr.write(`${generalHelp()}\n`)
    return 2
  }
  if (name === '--help' || name === '-h' || name === 'help') return help(rest[0], io)
  if (name === '--version') return version(io)
  if (name === 'completion') return complete(rest[0], io)
  const command = findCommand(name) ?? unknownCommand(name)
  const call = readCall(command, rest, io)
  if (call.flags['help'] === true) return help(name, io)
  const work = await command.load()
  return work(call)
}

function unknownCommand(name: string): never {
  const near = misspelt(
    name,
    commands.map((command) => command.name),
  )
  const hint = near === undefined ? 'portcullis --help lists them' : `did you mean ${near}?`
  throw new CommandFailure(`there is no command ${plain(name)}: ${hint}`)
}

function help(name: string | undefined, { stdout }: CommandIo): ExitCode {
  stdout.write(`${name === undefined ? generalHelp() : commandHelp(findCommand(name) ?? unknownCommand(name))}\n`)
  return 0
}

function version({ stdout }: CommandIo): ExitCode {
  const { version: text } = createRequire(import.meta.url)('portcullis/package.json') as { version: string }
  stdout.write(`${text}\n`)
  return 0
}

function complete(shell: string | undefined, { stdout }: CommandIo): ExitCode {
  const known = shells.find((name) => name === shell)
  if (known === undefined) throw new CommandFailure(`completion takes one of ${shells.join(', ')}`)
  stdout.write(`${completionScript(known)}\n`)
  return 0
}

function readCall(command: Command, args: readonly string[], io: CommandIo): CommandCall {
  const { values, positionals } = parse(command, args)
  const [operand, extra] = positionals
  if (extra !== undefined || (operand !== undefined && command.operand === undefined)) {
    throw new CommandFailure(`${usage(command)}: too many operands`)
  }
  if (operand === undefined && command.operand?.isRequired === true && values['help'] !== true) {
    throw new CommandFailure(`${usage(command)}: ${command.operand.name} is missing`)
  }
  for (const { name, choices } of command.flags) {
    const value = values[name]
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value)) {
      throw new CommandFailure(`--${name} takes one of ${choices.join(', ')}`)
    }
  }
  const output = createOutput(io, values['quiet'] === true)
  return { io, output, operand, flags: values, timeoutMs: readTimeout(values['timeout']) }
}

type Values = CommandCall['flags']

function parse(command: Command, args: readonly string[]): { values: Values; positionals: readonly string[] } {
  const flags = [...command.flags, ...commonFlags]
  const options = Object.fromEntries(
    flags.map(({ name, value }) => [name, { type: value === undefined ? ('boolean' as const) : ('string' as const) }]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    return { values: values as Values, positionals }
  } catch (error) {
    throw new CommandFailure(
      `${argumentFault(
        error,
        args,
        flags.map(({ name }) => name),
      )}; see portcullis ${command.name} --help`,
    )
  }
}

/** The words of `parseArgs` hold what was given; ours name the flag alone: a value may be a token. */
function argumentFault(error: unknown, args: readonly string[], known: readonly string[]): string {
  const code = failureCode(error)
  const flags = args.filter((arg) => arg.startsWith('-') && arg !== '-').map((arg) => arg.split('=')[0] as string)
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `a flag has no value, or one that it does not take`
  const unknown = flags.find((flag) => !known.includes(flag.replace(/^--/, ''))) as string
  const near = misspelt(unknown.replace(/^-+/, ''), known)
  return `there is no flag ${plain(unknown)}${near === undefined ? '' : `: did you mean --${near}?`}`
}

function readTimeout(value: string | boolean | undefined): number {
  if (value === undefined) return 10_000
  const seconds = Number(value)
  if (seconds >= 1 && seconds <= 60) return Math.round(seconds * 1000)
  throw new CommandFailure('--timeout takes a number of seconds from 1 to 60')
}

/** A login that was refused or given up, and a session that is over, are answers. */
function exitOf(error: unknown): ExitCode {
  if (error instanceof CommandFailure) return error.exitCode
  return isPortcullisError(error) && /^ERR_(?:LOGIN|REAUTHENTICATION)_/.test(error.code) ? 1 : 2
}

/** Our own sentences as they are; of anything else the code alone, since its text may hold what was sent. */
function explain(error: unknown, signal: AbortSignal): string {
  if (error instanceof CommandFailure) return error.message
  if (signal.aborted) return 'interrupted'
  if (!isPortcullisError(error)) return `failed unexpectedly (${failureCode(error)})`
  return `${error.message}${error.detail === undefined ? '' : `: ${plain(error.detail)}`} (${error.code})`
}
