/** What the table of commands has of each one. */
import type { ExitCode } from './command-io.js'

/** One flag of a command. */
export interface Flag {
  readonly name: string
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string
  /** The values it takes, where they are few. */
  readonly choices?: readonly string[]
  readonly describes: string
}

/** What follows a command and is not a flag. */
export interface Operand {
  readonly name: string
  readonly isRequired: boolean
  /** What it may be, where that is little. */
  readonly choices?: readonly string[]
  readonly describes: string
}

/** The names of the commands. */
export type CommandName =
  | 'check'
  | 'discover'
  | 'keys'
  | 'preflight'
  | 'login'
  | 'logout'
  | 'status'
  | 'token'
  | 'whoami'
  | 'providers'
  | 'mcp login'
  | 'fetch'
  | 'completion'

/** One command. Of two words, the first is that of no other command. */
export interface Command {
  readonly name: CommandName
  readonly summary: string
  readonly operand?: Operand
  readonly flags: readonly Flag[]
  readonly examples: readonly (readonly [line: string, what: string])[]
  readonly exits: Readonly<Record<ExitCode, string>>
  /** What `--json` writes, for docs/command.md. */
  readonly json: string
}
