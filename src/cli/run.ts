/** One call of the command: arguments taken apart, the work done, the exit code told. Never rejects. */
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { isPortcullisError } from '../errors/index.js'
import { failureCode } from '../kit/failure-code.js'
import { misspelt } from '../kit/options.js'
import { untilAborted } from '../kit/time-limit.js'
import {
  type CommandCall,
  CommandFailure,
  type CommandIo,
  type CommandWork,
  createOutput,
  type ExitCode,
  plain,
} from './command-io.js'
import { type Command, type CommandName, commands, commonFlags, findCommand } from './commands.js'
import { commandHelp, generalHelp, usage } from './help.js'

/** What does the work, loaded when it is asked for: `check` must not wait for what `login` needs. */
const works: Readonly<Record<CommandName, () => Promise<CommandWork>>> = {
  check: async () => (await import('./check-command.js')).checkCommand,
  discover: async () => (await import('./discover-command.js')).discoverCommand,
  keys: async () => (await import('./keys-command.js')).keysCommand,
  preflight: async () => (await import('./preflight-command.js')).preflightCommand,
  login: async () => (await import('./login-command.js')).loginCommand,
  logout: async () => (await import('./logout-command.js')).logoutCommand,
  status: async () => (await import('./status-command.js')).statusCommand,
  token: async () => (await import('./token-command.js')).tokenCommand,
  whoami: async () => (await import('./whoami-command.js')).whoamiCommand,
  providers: async () => (await import('./providers-command.js')).providersCommand,
  'mcp login': async () => (await import('./mcp-login-command.js')).mcpLoginCommand,
  fetch: async () => (await import('./fetch-command.js')).fetchCommand,
  completion: async () => (await import('./completion.js')).completionCommand,
}

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

async function dispatch(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  const [name, ...rest] = withName(args)
  if (name === undefined) {
    io.stderr.write(`${generalHelp()}\n`)
    return 2
  }
  if (name === '--help' || name === '-h' || name === 'help') return help(withName(rest)[0], io)
  if (name === '--version' || name === '-v' || name === '-V') return version(io)
  if (name.startsWith('-')) throw new CommandFailure('flags follow the command: portcullis <command> [flags]')
  const command = findCommand(name) ?? unknownCommand(name)
  const call = readCall(command, rest, io)
  if (call.flags['help'] === true) return help(name, io)
  const work = await works[command.name]()
  return work(call)
}

/** The name of a command may be of two words. */
function withName([first, second, ...rest]: readonly string[]): readonly string[] {
  const name = `${first} ${second}`
  if (first === undefined) return []
  if (findCommand(name) !== undefined) return [name, ...rest]
  return second === undefined ? [first] : [first, second, ...rest]
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

function readCall(command: Command, args: readonly string[], io: CommandIo): CommandCall {
  const { values, positionals } = parse(command, args)
  const [operand, extra] = positionals
  if (extra !== undefined || (operand !== undefined && command.operand === undefined)) {
    throw new CommandFailure(`${usage(command)}: too many operands`)
  }
  if (operand === undefined && command.operand?.isRequired === true && values['help'] !== true) {
    throw new CommandFailure(`${usage(command)}: ${command.operand.name} is missing`)
  }
  for (const { name, choices } of command.flags) checkChoice(`--${name}`, values[name], choices)
  checkChoice(command.name, operand, command.operand?.choices)
  const output = createOutput(io, values['quiet'] === true)
  return { io, output, operand, flags: values, timeoutMs: readTimeout(values['timeout']) }
}

function checkChoice(name: string, value: string | boolean | undefined, choices: readonly string[] | undefined): void {
  if (choices === undefined || typeof value !== 'string' || choices.includes(value)) return
  throw new CommandFailure(`${name} takes one of ${choices.join(', ')}`)
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
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const named = known.find((flag) => (error as Error).message.startsWith(`Option '--${flag}`))
    return `${named === undefined ? 'a flag' : `--${named}`} has no value, or one that it does not take`
  }
  const unknown = flags.find((flag) => flag !== '-h' && !known.includes(flag.replace(/^--/, ''))) as string
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
