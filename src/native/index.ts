/**
 * Portcullis on a user's machine and on servers that keep files: logins in the user's browser or by a code, configuration
 * files, token stores of Node, and the lock they share.
 *
 * @module
 */
export { isOAuthClientError, OAuthClientError } from '../client/errors.js'
export { LoginDeniedError, LoginError, LoginTimeoutError } from '../client/login-errors.js'
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
export { type CaFetchOptions, caFetch } from './ca-fetch.js'
export { createTokenStore, type TokenStoreSettings } from './create-token-store.js'
export { type DeviceCode, type DeviceLoginOptions, deviceLogin } from './device-login.js'
export { type LoadAuthConfigOptions, type LoadedAuthConfig, loadAuthConfig } from './load-auth-config.js'
export { type LoginOptions, login } from './login.js'
export { type LoopbackLoginOptions, loopbackLogin } from './loopback-login.js'
export type { LoopbackHost } from './loopback-server.js'
export { type ManualLoginOptions, manualLogin } from './manual-login.js'
export { LoginCancelledError, LoopbackError } from './native-errors.js'
export {
  accountKey,
  defaultAccountKey,
  forgetDefaultAccount,
  type LoginState,
  type NativeLogin,
  type NativeLoginOptions,
} from './native-login.js'
export { type NativeSignInOptions, nativeSignIn } from './native-sign-in.js'
export { type BrowserSurroundings, canOpenBrowser, openBrowser } from './open-browser.js'
