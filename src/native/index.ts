/**
 * Portcullis on a user's machine and on servers that keep files: token stores of Node, and the lock they share.
 *
 * @module
 */
export { ConfigurationError, TokenStoreError, type TokenStoreErrorCode } from '../errors/index.js'
export { createFileLock, type FileLockOptions } from '../stores/file/file-lock.js'
export { createFileTokenStore, type FileTokenStoreOptions } from '../stores/file/file-token-store.js'
export { tokenDirectory } from '../stores/file/token-directory.js'
export {
  createKeyringTokenStore,
  type KeyringTokenStore,
  type KeyringTokenStoreOptions,
} from '../stores/keyring/keyring-token-store.js'
export { createSopsTokenStore, type SopsTokenStoreOptions } from '../stores/sops/sops-token-store.js'
export { createTokenStore, type TokenStoreSettings } from './create-token-store.js'
