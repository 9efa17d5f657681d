/** How the tokens of a login take their place: in the store, and in what this process knows. */
import type { TokenSet } from '../client/token-set.js'
import type { Clock } from '../kit/clock.js'
import type { StoredTokens, TokenStore } from '../stores/contract.js'
import { newVersion, toEntry } from './kept-tokens.js'
import { askStore, keysOf, memoryKeyOf } from './keys-of-store.js'

/** Where the tokens of a login are put. */
export interface TokenPlace {
  readonly store: TokenStore
  readonly key: string
  /** The server that gave them; see {@link TokenProvider.serverId}. */
  readonly serverId: string | undefined
  readonly clock: Clock
}

/**
 * Keeps tokens of a new login, whatever was there. What is under way with those of before does not undo it: neither a read,
 * nor a refresh, nor a write that is tried again.
 *
 * @throws {@link TokenStoreError}
 */
export async function putTokens(
  { store, key, serverId, clock }: TokenPlace,
  tokens: TokenSet,
  account: StoredTokens['account'],
): Promise<void> {
  const keys = keysOf(store)
  const memoryKey = memoryKeyOf({ serverId, issuer: undefined }, key)
  await keys.during(memoryKey, async () => {
    const now = keys.state(memoryKey)
    const kept = newVersion({ tokens, account, serverId, sent: undefined })
    const [entry, lifetime] = toEntry(kept, clock())
    now.generation += 1
    const { generation } = now
    await askStore(store, () => store.set(key, entry, lifetime))
    const isLatest = now.generation === generation
    now.generation += 1
    now.held = isLatest ? kept : undefined
    now.unsaved = undefined
    if (!isLatest) return
    now.ended = undefined
    now.pausedUntilMs = 0
  })
}
