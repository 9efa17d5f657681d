import { ConfigurationError } from '../errors/index.js'
import { isJsonObject } from '../kit/json.js'
import type { TokenStore } from '../stores/contract.js'
import {
  createEncryptedTokenStore,
  type EncryptedTokenStoreOptions,
} from '../stores/encrypted/encrypted-token-store.js'
import { createFileTokenStore, type FileTokenStoreOptions } from '../stores/file/file-token-store.js'
import { createKeyringTokenStore, type KeyringTokenStoreOptions } from '../stores/keyring/keyring-token-store.js'
import { createMemoryTokenStore, type MemoryTokenStoreOptions } from '../stores/memory/memory-token-store.js'
import { createRedisTokenStore, type RedisTokenStoreOptions } from '../stores/redis/token-store.js'
import { createSopsTokenStore, type SopsTokenStoreOptions } from '../stores/sops/sops-token-store.js'

/**
 * The kind of a store and its options; `encrypted` is the encrypted file store, with the options of both.
 *
 * @group Token stores
 */
export type TokenStoreSettings =
  | ({ readonly kind: 'memory' } & MemoryTokenStoreOptions)
  | ({ readonly kind: 'file' } & FileTokenStoreOptions)
  | ({ readonly kind: 'encrypted' } & FileTokenStoreOptions & EncryptedTokenStoreOptions)
  | ({ readonly kind: 'keyring' } & KeyringTokenStoreOptions)
  | ({ readonly kind: 'sops' } & SopsTokenStoreOptions)
  | ({ readonly kind: 'redis' } & RedisTokenStoreOptions)

const factories = {
  memory: createMemoryTokenStore,
  file: createFileTokenStore,
  encrypted: createEncryptedFileTokenStore,
  keyring: createKeyringTokenStore,
  sops: createSopsTokenStore,
  redis: createRedisTokenStore,
}

/**
 * Makes the store of that kind, where a configuration chooses it. The same as calling its function.
 *
 * @throws {@link ConfigurationError} for an unknown kind, or an option that is wrong or unknown for the kind.
 * @group Token stores
 */
export function createTokenStore(settings: TokenStoreSettings): TokenStore {
  const { kind, ...options } = isJsonObject(settings) ? settings : ({} as TokenStoreSettings)
  if (!Object.hasOwn(factories, kind)) {
    throw new ConfigurationError(`\`kind\` takes one of ${Object.keys(factories).join(', ')}.`)
  }
  const create = factories[kind] as (options: object) => TokenStore
  return create(options)
}

function createEncryptedFileTokenStore(options: FileTokenStoreOptions & EncryptedTokenStoreOptions): TokenStore {
  const { directory, ...sealing } = options
  return createEncryptedTokenStore(createFileTokenStore({ directory, clock: options.clock }), sealing)
}
