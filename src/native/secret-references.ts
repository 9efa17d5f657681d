/** Where `env:`, `file:`, `sops://` and `keyring:` lead. Each is looked up when it is used; only `sops` remembers, for a minute. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { ConfigurationError } from '../errors/index.js'
import { failureCode } from '../kit/failure-code.js'
import { isJsonObject, type JsonObject, ownMember, parseJsonObject } from '../kit/json.js'
import { unref } from '../kit/time-limit.js'
import type { SecretResolver } from '../login/auth-config.js'
import { readPrivateFile } from '../stores/file/private-files.js'
import { createKeyring } from '../stores/keyring/keyring.js'

/** What the references of one configuration are read with. */
export interface SecretReferenceSettings {
  /** Where `env:` looks, and what `sops` runs with. Left out: `env:` finds nothing, and `sops` has that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** What relative paths are relative to: the folder of the configuration. */
  readonly folder: string
  /** The program. Default `sops`. */
  readonly sops?: string | undefined
}

const run = promisify(execFile)
const sopsTimeoutMs = 15_000
const maxSopsOutput = 1_048_576
const rememberMs = 60_000
const keyringTimeoutMs = 10_000

/** The resolvers of the four schemes. They reject with {@link ConfigurationError} or a `TokenStoreError`, never with a secret in it. */
export function createSecretResolvers(settings: SecretReferenceSettings): Readonly<Record<string, SecretResolver>> {
  const { env, folder, sops = 'sops' } = settings
  const opened = new Map<string, Promise<JsonObject>>()

  /** Once for all who ask within a minute, then the plain text is let go. */
  function openSops(file: string): Promise<JsonObject> {
    const known = opened.get(file)
    if (known !== undefined) return known
    const document = decrypt(sops, file, env)
    const forget = () => opened.delete(file)
    opened.set(file, document)
    document.then(() => unref(setTimeout(forget, rememberMs)), forget)
    return document
  }

  return {
    env: (name) => env?.[name],
    file: async (path) => (await readPrivateFile(resolve(folder, path)))?.trim(),
    async sops(reference) {
      const [path = '', member = ''] = reference.split('#')
      return memberAt(await openSops(resolve(folder, path)), member)
    },
    async keyring(reference) {
      const slash = reference.lastIndexOf('/')
      if (slash < 1) return undefined
      const service = reference.slice(0, slash)
      const keyring = createKeyring({ service, linuxStore: 'secret-service', timeoutMs: keyringTimeoutMs })
      return keyring.get(reference.slice(slash + 1))
    },
  }
}

/** Runs `sops` without a shell. What it complains of is never shown: it may hold paths and more. */
async function decrypt(program: string, file: string, env: SecretReferenceSettings['env']): Promise<JsonObject> {
  const options = {
    env: env as NodeJS.ProcessEnv | undefined,
    timeout: sopsTimeoutMs,
    maxBuffer: maxSopsOutput,
    windowsHide: true,
  }
  const { stdout } = await run(program, ['decrypt', '--output-type', 'json', file], options).catch((error: unknown) => {
    throw new ConfigurationError(
      `sops does not open ${file} (${failureCode(error)}): is it installed, and is there a key?`,
    )
  })
  const document = parseJsonObject(stdout)
  if (document === undefined) throw new ConfigurationError(`sops gave no object for ${file}.`)
  return document
}

/** The text at `github.secret`. */
function memberAt(document: JsonObject, path: string): string | undefined {
  let value: unknown = document
  for (const name of path.split('.')) value = isJsonObject(value) ? ownMember(value, name) : undefined
  return typeof value === 'string' ? value : undefined
}
