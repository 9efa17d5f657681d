/** What the commands for protected resources share: who the client is, where its tokens are kept, and the steps to show. */
import { publicClient } from '../client/credentials/client-credential.js'
import { clientSecretBasic } from '../client/credentials/client-secret.js'
import { isPortcullisError } from '../errors/index.js'
import { failureCode } from '../kit/failure-code.js'
import type { ProtectedFetchOptions, ProtectedStep } from '../login/resource/protected-options.js'
import { nativeSignIn } from '../native/native-sign-in.js'
import type { TokenStore } from '../stores/contract.js'
import { createFileLock } from '../stores/file/file-lock.js'
import { tokenDirectory } from '../stores/file/token-directory.js'
import { probeTokenStore } from '../stores/probe-token-store.js'
import { type CommandCall, CommandFailure, plain } from './command-io.js'
import { chosenPort, placeOf, storeOf } from './session.js'
import { namesLoopback, typedUrl } from './typed-url.js'

/** How a command reaches one resource. */
export interface ResourceAccess {
  /** For `createProtectedFetch`; for MCP under another name. */
  readonly options: ProtectedFetchOptions
  readonly store: TokenStore
  /** What was found so far. */
  readonly steps: readonly ProtectedStep[]
}

/** Opens the store, tells where it is, and makes the options. @throws {@link CommandFailure} for what was typed wrong. */
export async function openResource(call: CommandCall, resource: string): Promise<ResourceAccess> {
  const { io, output, flags, timeoutMs } = call
  typedUrl(resource)
  const port = chosenPort(flags)
  const store = storeOf((flags['store'] ?? 'keyring') as 'keyring' | 'encrypted' | 'file', io)
  await probeTokenStore(store)
  output.say(`tokens are kept in: ${placeOf(store)}`)
  const steps: ProtectedStep[] = []
  const document = flags['client-document'] as string | undefined
  const credential = credentialOf(call)
  const options: ProtectedFetchOptions = {
    ...{ resource, store, timeoutMs, clock: io.clock, fetch: io.fetch as typeof globalThis.fetch },
    lock: createFileLock({ directory: tokenDirectory(io.env, io.platform), clock: io.clock }),
    scope: flags['scope'] as string | undefined,
    clientName: 'Portcullis command',
    clientDocument: document === undefined ? undefined : { url: document },
    registration: credential === undefined ? {} : false,
    ask: () => credential,
    allowInsecureLoopback: namesLoopback(resource),
    signIn: nativeSignIn({
      port,
      mode: flags['no-browser'] === true ? 'loopback' : 'auto',
      openBrowser: flags['no-browser'] === true ? false : 'auto',
      browser: { env: io.env, platform: io.platform },
      onUrl: (url) => output.warn(`open this address to sign in:\n\n  ${url}\n`),
      clock: io.clock,
    }),
    onStep(step) {
      steps.push(step)
      output.say(`${step.step.padEnd(20)}  ${plain(step.found)}`)
    },
  }
  return { options, store, steps }
}

function credentialOf({ io, flags }: CommandCall) {
  const clientId = flags['client-id'] as string | undefined
  const clientSecret = io.env['PORTCULLIS_CLIENT_SECRET']
  if (clientId === undefined) return undefined
  return clientSecret ? clientSecretBasic({ clientId, clientSecret }) : publicClient({ clientId })
}

/** Says of a resource that cannot be reached that it is so: what `fetch` rejects with may hold anything. */
export async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isPortcullisError(error) || error instanceof CommandFailure || !(error instanceof Error)) throw error
    throw new CommandFailure(`the resource cannot be reached (${failureCode(error.cause ?? error)})`)
  }
}
