/** What the commands for users share: the configuration, the provider that is meant, and where its tokens are kept. */

import { decodeBase64url } from '#crypto'
import { isBase64url } from '../jws/compact-jws.js'
import { isForeign, type KeptTokens } from '../login/kept-tokens.js'
import type { Provider } from '../login/provider.js'
import { type ConfiguredTokenStore, type ProviderSection, serverIdOfSection } from '../login/provider-section.js'
import { readKept } from '../login/stored-tokens.js'
import { createUserTokens, type UserTokens } from '../login/user-tokens.js'
import { createTokenStore } from '../native/create-token-store.js'
import { type LoadedAuthConfig, loadAuthConfig } from '../native/load-auth-config.js'
import { defaultAccountKey } from '../native/native-login.js'
import type { TokenStore } from '../stores/contract.js'
import type { TokenSealing } from '../stores/encrypted/entry-sealer.js'
import { createFileLock } from '../stores/file/file-lock.js'
import { tokenDirectory } from '../stores/file/token-directory.js'
import { type CommandCall, CommandFailure, type CommandIo, plain } from './command-io.js'

/** One provider of the configuration, and the place of its tokens. */
export interface Session {
  readonly config: LoadedAuthConfig
  readonly name: string
  readonly store: TokenStore
  /** Makes the provider: secrets are looked up now. */
  provider(): Promise<Provider>
}

/** The tokens of the account that signed in last. */
export interface AccountTokens extends Pick<KeptTokens, 'tokens' | 'account'> {
  readonly key: string
}

/** Reads the configuration, and warns of what should be mended in it. */
export async function loadConfig({ io, output, flags }: CommandCall): Promise<LoadedAuthConfig> {
  const { env, cwd, platform } = io
  const config = await loadAuthConfig({ file: flags['config'] as string | undefined, env, cwd, platform })
  for (const warning of config.warnings) output.warn(`warning: ${warning}`)
  return config
}

/** The session of the provider that is named, the default one, or the only one. */
export async function openSession(call: CommandCall): Promise<Session> {
  const config = await loadConfig(call)
  const name = call.operand ?? config.defaultProvider ?? onlyOne(config.providerNames())
  if (config.provider(name) === undefined) {
    throw new CommandFailure(`there is no provider ${plain(name)}; known: ${config.providerNames().join(', ')}`)
  }
  return sessionOf(call, config, name)
}

/** The session of one provider of the configuration. */
export function sessionOf({ io, timeoutMs }: CommandCall, config: LoadedAuthConfig, name: string): Session {
  const { fetch, clock } = io
  return {
    config,
    name,
    store: storeOf(config.tokenStoreOf(name), io),
    provider: () => config.createProvider(name, { fetch, clock, timeoutMs }),
  }
}

function onlyOne(names: readonly string[]): string {
  const [only, another] = names
  if (only !== undefined && another === undefined) return only
  throw new CommandFailure(`name a provider: ${names.join(', ')}`)
}

/** The store of a kind, in the folder of this user. @throws {@link CommandFailure} for an encrypted one without its key. */
export function storeOf(kind: ConfiguredTokenStore, { env, platform, clock }: CommandIo): TokenStore {
  const directory = tokenDirectory(env, platform)
  if (kind === 'keyring') return createTokenStore({ kind, clock })
  if (kind === 'memory') return createTokenStore({ kind, clock })
  if (kind === 'encrypted') return createTokenStore({ kind, directory, clock, ...sealing(env) })
  return createTokenStore({ kind, directory, clock })
}

/** Half of the bytes seal the tokens, half hide whose they are. */
function sealing(env: CommandIo['env']): TokenSealing {
  const text = env['PORTCULLIS_SEAL_KEY'] ?? ''
  const bytes = isBase64url(text) ? decodeBase64url(text) : new Uint8Array()
  if (bytes.length !== 64) {
    throw new CommandFailure('the encrypted store needs PORTCULLIS_SEAL_KEY: 64 random bytes in base64url')
  }
  return { keys: [{ id: 'cli', secret: bytes.slice(0, 32) }], nameSecret: bytes.slice(32) }
}

/** The port that a command is to listen on. @throws {@link CommandFailure} for what is none. */
export function chosenPort({ port }: CommandCall['flags']): number | undefined {
  if (port === undefined) return undefined
  if (/^\d{1,5}$/.test(String(port)) && Number(port) <= 65_535) return Number(port)
  throw new CommandFailure('--port takes a number from 0 to 65535')
}

/** `undefined` where no user is signed in at the server that the configuration names; tells of tokens of another one. */
export async function keptTokens({ output }: CommandCall, session: Session): Promise<AccountTokens | undefined> {
  const { store, name, config } = session
  const key = await defaultAccountKey(store, name)
  if (key === undefined) return undefined
  const kept = await readKept(store, key, undefined)
  if (kept === undefined) return undefined
  const { tokens, account, serverId } = kept
  const named = serverIdOfSection(name, config.provider(name) as ProviderSection)
  if (!isForeign(kept, named)) return { key, tokens, account }
  const servers = `of ${plain(serverId as string)}, not of ${plain(named)}`
  output.warn(`warning: tokens of another server are kept for ${name}: ${servers}`)
  return undefined
}

/** As {@link keptTokens}; ends the command where no user is signed in. */
export async function requireKept(call: CommandCall, session: Session): Promise<AccountTokens> {
  const kept = await keptTokens(call, session)
  if (kept !== undefined) return kept
  throw new CommandFailure(`not signed in with ${session.name}: portcullis login ${session.name}`, 1)
}

/** Works with the tokens of one account, and leaves nothing under way. */
export async function withUserTokens<T>(
  { io }: CommandCall,
  session: Session,
  key: string,
  work: (tokens: UserTokens, provider: Provider) => Promise<T>,
): Promise<T> {
  const { store } = session
  const provider = await session.provider()
  const lock = createFileLock({ directory: tokenDirectory(io.env, io.platform), clock: io.clock })
  const tokens = createUserTokens({ provider, store, lock, key, clock: io.clock })
  try {
    return await work(tokens, provider)
  } finally {
    await tokens.close()
    await provider.close()
  }
}

/** `keyring portcullis (kept by the operating system)`. */
export function placeOf(store: TokenStore): string {
  const { kind, atRest, location, persistent } = store.describe()
  const words = { plaintext: 'PLAIN TEXT', encrypted: 'encrypted', os: 'kept by the operating system' }[atRest]
  return `${kind}${location === kind ? '' : ` ${plain(location)}`} (${words}${persistent ? '' : ', gone with this process'})`
}
