/*
 * What the entry itself says of a refresh token that is sent. Of all processes that have read an entry one can write that,
 * so one sends the token, whatever became of its lease; and the others know of it, also where that process is gone.
 */
import type { Clock } from '../kit/clock.js'
import { type KeptTokens, newVersion, type Sent } from './kept-tokens.js'
import type { KeyState } from './keys-of-store.js'

/** Tokens that this process alone may send now, and the {@link KeyState.generation} of that moment. */
export interface ClaimedTokens {
  readonly kept: KeptTokens
  readonly generation: number
}

/** See {@link createSentNotes}. */
export interface SentNotes {
  /**
   * Writes that the refresh token is sent, before it is. `undefined` where somebody replaced or deleted the entry since
   * `generation`: it must not be sent then.
   *
   * @param withinMs - how long the answer may take, and what is done with it.
   * @throws {@link TokenStoreError} where the store fails. It may be written all the same.
   */
  claim(kept: KeptTokens, withinMs: number, generation: number): Promise<ClaimedTokens | undefined>
  /** Writes that no answer came (`gaveUp`), or that the token is as good as before (`unspent`). Never rejects. */
  mark(kept: KeptTokens, end: 'gaveUp' | 'unspent'): Promise<void>
}

/** Makes the {@link SentNotes} of one key. `replace` writes by compare-and-swap. */
export function createSentNotes(
  state: () => KeyState,
  replace: (version: string, next: KeptTokens) => Promise<boolean>,
  clock: Clock,
): SentNotes {
  return {
    async claim(kept, withinMs, generation) {
      const claimed = newVersion({ ...kept, sent: { atMs: clock(), withinMs } })
      const isClaimed = await replace(kept.version, claimed)
      const now = state()
      if (!isClaimed || now.generation !== generation) return undefined
      now.generation += 1
      now.held = claimed
      return { kept: claimed, generation: now.generation }
    },
    async mark(kept, end) {
      const sent: Sent | undefined = end === 'unspent' ? undefined : { atMs: clock(), withinMs: undefined }
      const marked = newVersion({ ...kept, sent })
      const isWritten = await replace(kept.version, marked).catch(() => undefined)
      const now = state()
      if (now.held?.version !== kept.version) return
      now.generation += 1
      now.held = isWritten ? marked : { ...marked, version: kept.version }
    },
  }
}
