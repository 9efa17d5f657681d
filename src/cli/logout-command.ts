/** `portcullis logout`: forgets the tokens, and has the server revoke them. */
import { accountPrefix, defaultAccountKey, forgetDefaultAccount, pointerKey } from '../native/native-login.js'
import { type CommandCall, CommandFailure, type ExitCode } from './command-io.js'
import { loadConfig, openSession, type Session, sessionOf, withUserTokens } from './session.js'

interface Ended {
  readonly provider: string
  readonly revocation: 'revoked' | 'unsupported' | 'failed' | 'nothing'
}

/** The work of `portcullis logout`. */
export async function logoutCommand(call: CommandCall): Promise<ExitCode> {
  const { output, flags } = call
  if (flags['revoke'] === true && flags['no-revoke'] === true) {
    throw new CommandFailure('--revoke and --no-revoke exclude each other')
  }
  const ended = flags['all'] === true ? await endAll(call) : await endDefault(call, await openSession(call))
  if (flags['json'] === true) output.json(ended)
  else for (const { provider, revocation } of ended) output.data(`signed out of ${provider} (${words[revocation]})`)
  if (ended.length === 0) output.warn('not signed in')
  if (ended.some(({ revocation }) => revocation === 'failed')) {
    output.warn('warning: the server did not revoke all tokens; they may serve until they expire')
    return 2
  }
  return ended.length === 0 ? 1 : 0
}

const words = {
  revoked: 'tokens revoked',
  unsupported: 'the server revokes no tokens',
  failed: 'tokens not revoked',
  nothing: 'tokens not revoked',
} as const

async function endDefault(call: CommandCall, session: Session): Promise<readonly Ended[]> {
  const key = await defaultAccountKey(session.store, session.name)
  return key === undefined ? [] : end(call, session, key)
}

/** Every account of every provider of the configuration; of one provider where one is named. */
async function endAll(call: CommandCall): Promise<readonly Ended[]> {
  const config = await loadConfig(call)
  const names = call.operand === undefined ? config.providerNames() : [(await openSession(call)).name]
  const ended: Ended[] = []
  for (const name of names) {
    const session = sessionOf(call, config, name)
    const keys: string[] = []
    for await (const key of session.store.keys(accountPrefix(name))) if (key !== pointerKey(name)) keys.push(key)
    for (const key of keys) ended.push(...(await end(call, session, key)))
  }
  return ended
}

/** Tokens that another server gave stay, whatever the name of the provider. */
async function end(call: CommandCall, session: Session, key: string): Promise<readonly Ended[]> {
  const revoke = call.flags['no-revoke'] !== true
  const { revocation } = await withUserTokens(call, session, key, (tokens) => tokens.logout({ revoke }))
  if (await session.store.has(key)) return []
  await forgetDefaultAccount(session.store, session.name)
  return [{ provider: session.name, revocation }]
}
