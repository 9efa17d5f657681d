import { join } from 'node:path'
import { ConfigurationError } from '../../errors/index.js'
import { checkNames, functionOption, integerOption, listOption, textOption } from '../../kit/check.js'
import { type Clock, systemClock } from '../../kit/clock.js'
import { isJsonObject } from '../../kit/json.js'
import type { TokenStore } from '../contract.js'
import { createEntryFiles } from '../file/entry-files.js'
import { createFileLock } from '../file/file-lock.js'
import { requiredFolder } from '../file/token-directory.js'
import { createLockedTokenStore } from '../locked-token-store.js'
import { type SopsSettings, sopsDecrypt, sopsEncrypt } from './sops.js'

/** Options of {@link createSopsTokenStore}. @group Token stores */
export interface SopsTokenStoreOptions {
  /** An absolute path. Made with mode 0700. */
  readonly directory: string
  /** The program, by name or path. Default `sops`. */
  readonly binary?: string | undefined
  /** Public keys of age. Left out: the `.sops.yaml` above the folder decides, or the environment of `sops`. */
  readonly ageRecipients?: string | readonly string[] | undefined
  /** How long one call of the program may take. Default 15,000. */
  readonly timeoutMs?: number | undefined
  /** The whole environment of the program, such as `SOPS_AGE_KEY_FILE`. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

/**
 * Keeps tokens in files that `sops` encrypts, by age or any key service it knows: one per key, mode 0600, plain text never
 * on disk. Protects what is read from the disk without the key of `sops`. Does not tell who wrote an entry: whoever has
 * the folder and a public key can put one there. Each read or write runs the program, some 30 ms. Needs `sops` 3.10.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Token stores
 */
export function createSopsTokenStore(options: SopsTokenStoreOptions): TokenStore {
  const names = ['directory', 'binary', 'ageRecipients', 'timeoutMs', 'env', 'clock'] as const
  checkNames('createSopsTokenStore', options, names)
  const directory = requiredFolder(options.directory)
  const clock = functionOption('clock', options.clock) ?? systemClock
  const settings: SopsSettings = {
    directory,
    binary: textOption('binary', options.binary) ?? 'sops',
    ageRecipients: recipientsOf(options.ageRecipients),
    timeoutMs: integerOption('timeoutMs', options.timeoutMs, { min: 1, max: 600_000, fallback: 15_000 }),
    env: environmentOf(options.env),
  }
  const files = createEntryFiles(directory, '.token.sops.json', {
    encode: (text, fileName) => sopsEncrypt(settings, text, join(directory, fileName)),
    decode: (content, fileName) => sopsDecrypt(settings, content, join(directory, fileName)),
  })
  return createLockedTokenStore(files, createFileLock({ directory: join(directory, '.locks'), clock }), clock, {
    kind: 'sops',
    atRest: 'encrypted',
    location: directory,
    persistent: true,
  })
}

function recipientsOf(value: unknown): readonly string[] {
  const recipients = listOption('ageRecipients', value, [])
  if (recipients.every((recipient) => /^age1[a-z0-9]+$/.test(recipient))) return recipients
  throw new ConfigurationError('`ageRecipients` takes public keys of age, which begin with age1.')
}

function environmentOf(value: unknown): SopsSettings['env'] {
  if (value === undefined || isJsonObject(value)) return value as SopsSettings['env']
  throw new ConfigurationError('`env` takes an object of environment variables.')
}
