import { ConfigurationError, type TokenStoreError } from '../errors/index.js'
import type { TokenStore, TokenStoreDescription } from './contract.js'
import { probeTokenStore } from './probe-token-store.js'

/** The outcome of {@link firstWorkingStore}: tell it to the user before the login starts. @group Token stores */
export interface WorkingStore {
  readonly store: TokenStore
  /** The stores before it, and why each of them does not work. */
  readonly passedOver: readonly { readonly described: TokenStoreDescription; readonly error: TokenStoreError }[]
}

/**
 * Takes the first store that works, in your order: each is tried by writing, reading and deleting an entry. The only
 * fallback there is, and an explicit one: no store falls back by itself. Choose once, before a login; entries of the
 * stores that were passed over stay where they are.
 *
 * @throws The {@link TokenStoreError} of the last store where none works, {@link ConfigurationError} for an empty list.
 * @group Token stores
 */
export async function firstWorkingStore(stores: readonly TokenStore[]): Promise<WorkingStore> {
  const passedOver: { described: TokenStoreDescription; error: TokenStoreError }[] = []
  for (const store of stores) {
    const error = await failureOf(store)
    if (error === undefined) return Object.freeze({ store, passedOver: Object.freeze(passedOver) })
    passedOver.push({ described: store.describe(), error })
  }
  throw passedOver.at(-1)?.error ?? new ConfigurationError('`firstWorkingStore` takes at least one store.')
}

async function failureOf(store: TokenStore): Promise<TokenStoreError | undefined> {
  try {
    await probeTokenStore(store)
    return undefined
  } catch (error) {
    return error as TokenStoreError
  }
}
