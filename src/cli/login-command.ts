/** `portcullis login`: signs the user in, and says where the tokens are kept before it starts. */
import { createInterface } from 'node:readline/promises'
import type { Readable } from 'node:stream'
import { isExpired } from '../client/token-lifetime.js'
import type { DeviceCode } from '../native/device-login.js'
import { login } from '../native/login.js'
import { probeTokenStore } from '../stores/probe-token-store.js'
import { type CommandCall, CommandFailure, type ExitCode, plain } from './command-io.js'
import { chosenPort, keptTokens, openSession, placeOf, type Session } from './session.js'

/** The work of `portcullis login`. */
export async function loginCommand(call: CommandCall): Promise<ExitCode> {
  const { io, output, flags } = call
  const mode = chosenMode(flags)
  const port = chosenPort(flags)
  const session = await openSession(call)
  const kept = flags['force'] === true ? undefined : await keptTokens(call, session)
  if (kept !== undefined && !isExpired(kept.tokens, { nowMs: io.clock() })) {
    output.say(`signed in with ${session.name} already; --force signs in anew`)
    return 0
  }
  await probeTokenStore(session.store)
  output.say(`tokens will be kept in: ${placeOf(session.store)}`)
  const result = await signIn(call, session, mode, port)
  const { account, tokens, key } = result
  if (flags['json'] === true) {
    output.json({
      provider: session.name,
      account,
      key,
      scope: tokens.scope,
      expiresAt: tokens.expiresAt,
      store: session.store.describe(),
    })
  } else output.data(`signed in as ${plain(account.subject)} at ${plain(account.issuer)}`)
  return 0
}

type Mode = 'auto' | 'loopback' | 'device' | 'manual'

/** `--manual` and `--device` are short for `--mode`; without a browser of ours, the address is for the user's own. */
function chosenMode(flags: CommandCall['flags']): Mode | undefined {
  const named = [flags['mode'], flags['manual'] && 'manual', flags['device'] && 'device'].filter(Boolean)
  if (named.length > 1) throw new CommandFailure('--mode, --manual and --device exclude each other')
  return (named[0] ?? (flags['no-browser'] === true ? 'loopback' : undefined)) as Mode | undefined
}

async function signIn(
  { io, output, flags }: CommandCall,
  session: Session,
  mode: Mode | undefined,
  port: number | undefined,
) {
  const { config, name, store } = session
  const section = config.provider(name)
  const { timeoutSeconds = 120, ...loopback } = config.loopback
  const provider = await session.provider()
  const scope = flags['scope'] as string | undefined
  const place = port === undefined ? loopback : { host: loopback.host, path: loopback.path, port }
  try {
    return await login(provider, {
      ...place,
      mode: mode ?? section?.mode ?? 'auto',
      timeoutMs: timeoutSeconds * 1000,
      store,
      scopes: scope?.split(' ').filter((word) => word !== ''),
      openBrowser: flags['no-browser'] === true ? false : 'auto',
      browser: { env: io.env, platform: io.platform },
      redirectUri: section?.redirectUri,
      onUrl: (url) => output.warn(`open this address to sign in:\n\n  ${url}\n`),
      onCode: (code) => output.warn(deviceText(code)),
      ...(section?.redirectUri === undefined ? {} : { prompt: (url: string) => ask(io, output, url) }),
      signal: io.signal,
      clock: io.clock,
    })
  } finally {
    await provider.close()
  }
}

function deviceText({ userCode, verificationUri }: DeviceCode): string {
  return `open ${plain(verificationUri)} on any device and enter the code ${plain(userCode)}\nagree only to a login that you started yourself`
}

async function ask({ stdin }: CommandCall['io'], output: CommandCall['output'], url: string): Promise<string> {
  output.warn(`open this address to sign in:\n\n  ${url}\n\nthen paste the address that the browser was sent to:`)
  const lines = createInterface({ input: stdin as Readable })
  for await (const line of lines) return line
  throw new CommandFailure('nothing was pasted')
}
