import { join } from 'node:path'
import { type Clock, systemClock } from '../../kit/clock.js'
import { anything, checkOptions, func, integer, object, type Rules, takes, text, toList } from '../../kit/options.js'
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

const isRecipient = (value: unknown): boolean => typeof value === 'string' && /^age1[a-z0-9]+$/.test(value)

const rules: Rules<SopsTokenStoreOptions> = {
  directory: anything,
  binary: text,
  ageRecipients: takes(
    (value) => (Array.isArray(value) ? value.length > 0 && value.every(isRecipient) : isRecipient(value)),
    'one or more public keys of age, which begin with age1',
  ),
  timeoutMs: integer(1, 600_000),
  env: object,
  clock: func,
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
  checkOptions('createSopsTokenStore', options, rules)
  const directory = requiredFolder(options.directory)
  const clock = options.clock ?? systemClock
  const settings: SopsSettings = {
    directory,
    binary: options.binary ?? 'sops',
    ageRecipients: toList(options.ageRecipients ?? []),
    timeoutMs: options.timeoutMs ?? 15_000,
    env: options.env,
  }
  const files = createEntryFiles(directory, '.token.sops.json', {
    encode: (text, fileName) => sopsEncrypt(settings, text, join(directory, fileName)),
    decode: (content, fileName) => sopsDecrypt(settings, content, join(directory, fileName)),
  })
  const lock = createFileLock({ directory: join(directory, '.locks'), clock })
  const description = { kind: 'sops', atRest: 'encrypted', location: directory, persistent: true } as const
  // A replacement opens the entry, then encrypts the next one.
  return createLockedTokenStore(files, lock, clock, description, 2 * settings.timeoutMs)
}
