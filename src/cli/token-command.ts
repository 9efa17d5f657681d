/** `portcullis token`: the one command that prints a token. */
import { type ChildProcess, spawn } from 'node:child_process'
import { bearerAuthorization, type TokenSet } from '../client/token-set.js'
import { readCompactJws, readJsonSegment } from '../jws/compact-jws.js'
import { windowsProgram } from '../native/open-browser.js'
import { type CommandCall, CommandFailure, type CommandIo, type ExitCode } from './command-io.js'
import { openSession, requireKept, withUserTokens } from './session.js'

const exclusive: readonly (readonly [string, string])[] = [
  ['header', 'decode'],
  ['copy', 'decode'],
  ['show-refresh', 'decode'],
  ['show-refresh', 'header'],
  ['show-refresh', 'copy'],
]

/** The work of `portcullis token`. */
export async function tokenCommand(call: CommandCall): Promise<ExitCode> {
  const { io, output, flags } = call
  const pair = exclusive.find(([left, right]) => flags[left] === true && flags[right] === true)
  if (pair !== undefined) throw new CommandFailure(`--${pair[0]} and --${pair[1]} exclude each other`)
  if (flags['json'] === true && flags['decode'] !== true) throw new CommandFailure('--json needs --decode')
  const session = await openSession(call)
  const { key } = await requireKept(call, session)
  const forceRefresh = flags['refresh'] === true
  const tokens = await withUserTokens(call, session, key, (owner) =>
    output.during('renewing the token', owner.getToken({ forceRefresh })),
  )
  if (flags['decode'] === true) output.json(decoded(tokens))
  else if (flags['copy'] === true) await copy(textOf(call, tokens), io)
  else output.data(textOf(call, tokens))
  if (flags['copy'] === true) output.say('copied')
  return 0
}

function textOf({ flags }: CommandCall, tokens: TokenSet): string {
  if (flags['header'] === true) return `Authorization: ${bearerAuthorization(tokens)}`
  if (flags['show-refresh'] !== true) return tokens.accessToken
  if (tokens.refreshToken === undefined) throw new CommandFailure('there is no refresh token', 1)
  return tokens.refreshToken
}

/** Header and claims, read and NOT verified: no signature is in it. */
function decoded({ accessToken }: TokenSet): object {
  const jws = readCompactJws(accessToken)
  const header = jws === undefined ? undefined : readJsonSegment(jws.headerSegment)
  if (jws === undefined || header === undefined)
    throw new CommandFailure('the access token is opaque: there is nothing to decode', 1)
  return { header, payload: jws.payload }
}

/** The programs that copy, to be tried in turn. @internal */
export function copyPrograms({
  platform,
  env,
}: Pick<CommandIo, 'platform' | 'env'>): readonly (readonly [program: string, ...args: string[]])[] {
  if (platform === 'darwin') return [['pbcopy']]
  if (platform === 'win32') return [[windowsProgram('clip.exe', env)]]
  return [['wl-copy'], ['xclip', '-selection', 'clipboard'], ['xsel', '--clipboard', '--input'], ['clip.exe']]
}

/** By the program of the system, through its stdin: neither a shell nor the process list sees the token. */
async function copy(text: string, io: CommandIo): Promise<void> {
  for (const [program, ...args] of copyPrograms(io)) {
    if (await feed(program, args, text, io.env)) return
  }
  throw new CommandFailure('there is no program here that copies: wl-copy, xclip, xsel, pbcopy or clip.exe')
}

function feed(program: string, args: readonly string[], text: string, env: CommandIo['env']): Promise<boolean> {
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: env as NodeJS.ProcessEnv,
      windowsHide: true,
    })
    const failed = () => resolve(false)
    child.on('error', failed)
    child.on('exit', (code) => resolve(code === 0))
    // In a process that may open no further file there is none.
    child.stdin?.on('error', failed)
    child.stdin?.end(text)
  })
}
