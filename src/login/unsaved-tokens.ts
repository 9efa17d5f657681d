/*
 * Renewed tokens on their way into the store: what they take the place of, and how they are written later where the store
 * failed. Until then the entry holds a refresh token that is spent.
 */
import type { TokenSet } from '../client/token-set.js'
import { unref } from '../kit/time-limit.js'
import type { TokenStore } from '../stores/contract.js'
import type { Holding } from '../stores/exclusively.js'
import { type KeptTokens, type KeyState, type Replaced, readKept, replaceKept } from './kept-tokens.js'

/** Whether an entry is one of those that were replaced. */
export function isReplaced({ tokens, version }: KeptTokens, replaced: Replaced): boolean {
  const holds = (text: string | undefined): boolean => text !== undefined && replaced.spent.includes(text)
  return version === replaced.version || holds(tokens.accessToken) || holds(tokens.refreshToken)
}

/**
 * What `next` takes the place of. No entry that holds the same access token is a renewal; where the server gave another
 * refresh token, the one before is spent, and no entry that holds it is one either.
 */
export function replacedBy(
  next: TokenSet,
  { version, tokens: { accessToken, refreshToken } }: KeptTokens,
  before: Replaced = { version, spent: [] },
): Replaced {
  const isSpent = refreshToken !== undefined && refreshToken !== next.refreshToken
  return { ...before, spent: [...before.spent, accessToken, ...(isSpent ? [refreshToken] : [])] }
}

/** What is kept after a try to write. One before that seemed to fail may have been heard. */
export async function trySwap(
  store: TokenStore,
  key: string,
  next: KeptTokens,
  replaced: Replaced,
  nowMs: number,
  version = replaced.version,
): Promise<{ readonly now: KeptTokens | undefined }> {
  if (await replaceKept(store, key, version, next, nowMs)) return { now: next }
  const now = await readKept(store, key, next.serverId)
  if (now === undefined || now.version === version) return { now }
  if (now.version === next.version) return { now: next }
  return isReplaced(now, replaced) ? trySwap(store, key, next, replaced, nowMs, now.version) : { now }
}

const firstPauseMs = 1000
const longestPauseMs = 5000

/**
 * Has the tokens written that the store did not take, for as long as they serve, and keeps the lease meanwhile: other
 * processes would read the spent ones. `load` writes them once the store answers.
 */
export function saveLater(
  state: KeyState,
  holding: Holding,
  load: () => Promise<unknown>,
  isOver: (tokens: TokenSet) => boolean,
): void {
  if (state.unsaved === undefined || state.guard?.alone.aborted === false) return
  state.guard = holding
  const serves = () => state.unsaved !== undefined && state.held !== undefined && !isOver(state.held.tokens)
  void holding.during(async () => {
    for (let pauseMs = firstPauseMs; serves(); pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      await new Promise<void>((resolve) => unref(setTimeout(resolve, pauseMs)))
      await Promise.allSettled([load()])
    }
    if (state.guard === holding) state.guard = undefined
  })
}
