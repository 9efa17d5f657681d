import { type Clock, systemClock } from '../../kit/clock.js'
import { anything, checkOptions, func } from '../../kit/options.js'
import type { TokenStore } from '../contract.js'
import { createLockedTokenStore } from '../locked-token-store.js'
import { createEntryFiles } from './entry-files.js'
import { createFileLock } from './file-lock.js'
import { requiredFolder, tokenDirectory } from './token-directory.js'

/** Options of {@link createFileTokenStore}. @group Token stores */
export interface FileTokenStoreOptions {
  /** An absolute path. Made with mode 0700. Default: {@link tokenDirectory} without an environment. */
  readonly directory?: string | undefined
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
}

const asItIs = async (text: string) => text

/**
 * Keeps tokens as plain text in files of mode 0600, one per key, written as a whole and synced. Protects from other users
 * of the machine, not from other programs of this user, nor from whoever gets the disk or a backup of it: wrap it with
 * `createEncryptedTokenStore` where the key can be kept elsewhere. On Windows the permissions of the profile folder are
 * the only protection.
 *
 * Folders and files of other users, with permissions for others, and links to such are refused. A link to a file of one's
 * own is followed, and its target replaced. Processes of one machine can share a folder on a local disk.
 *
 * @throws {@link ConfigurationError} for an option that is wrong or unknown.
 * @group Token stores
 */
export function createFileTokenStore(options: FileTokenStoreOptions = {}): TokenStore {
  checkOptions('createFileTokenStore', options, { directory: anything, clock: func })
  const directory = requiredFolder(options.directory ?? tokenDirectory())
  const clock = options.clock ?? systemClock
  const files = createEntryFiles(directory, '.token.json', { encode: asItIs, decode: asItIs })
  return createLockedTokenStore(files, createFileLock({ directory: `${directory}/.locks`, clock }), clock, {
    kind: 'file',
    atRest: 'plaintext',
    location: directory,
    persistent: true,
  })
}
