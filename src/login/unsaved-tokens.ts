/*
 * Renewed tokens on their way into the store: what they take the place of, and how they are written later where the store
 * failed. Until then the entry holds a refresh token that is spent.
 */
import { canRefresh, isExpired } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import type { Clock } from '../kit/clock.js'
import { unref } from '../kit/time-limit.js'
import type { TokenStore } from '../stores/contract.js'
import type { Holding } from '../stores/exclusively.js'
import type { KeptTokens } from './kept-tokens.js'
import type { KeyState, Replaced } from './keys-of-store.js'
import { readKept, replaceKept } from './stored-tokens.js'

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
const latePauseMs = 60_000

/**
 * Has the tokens written that the store did not take. For as long as they serve it keeps the lease: other processes would
 * read the spent ones. After that it goes on for as long as they can be renewed. `load` writes them once the store answers.
 */
export async function saveLater(
  state: KeyState,
  holding: Holding,
  load: () => Promise<unknown>,
  clock: Clock,
): Promise<void> {
  if (state.unsaved === undefined || state.guard?.alone.aborted === false) return
  state.guard = holding

  async function tryAfter(pauseMs: number): Promise<void> {
    await new Promise<void>((resolve) => unref(setTimeout(resolve, pauseMs)))
    await Promise.allSettled([load()])
  }

  function wait(serve: (tokens: TokenSet, nowMs: number) => boolean): boolean {
    return state.unsaved !== undefined && state.held !== undefined && serve(state.held.tokens, clock())
  }

  async function whileTheyServe(): Promise<boolean> {
    for (let pauseMs = firstPauseMs; state.guard === holding && wait(isGood); pauseMs *= 2) {
      await tryAfter(Math.min(longestPauseMs, pauseMs))
    }
    const isLast = state.guard === holding
    if (isLast) state.guard = undefined
    return isLast
  }

  const isLast = await holding.during(whileTheyServe)
  const { unsaved } = state
  while (isLast && state.unsaved === unsaved && wait(isRenewable)) await tryAfter(latePauseMs)
}

const isGood = (tokens: TokenSet, nowMs: number): boolean => !isExpired(tokens, { nowMs })
const isRenewable = (tokens: TokenSet, nowMs: number): boolean => canRefresh(tokens, { nowMs })
