/** The tokens of one key: read, written by compare-and-swap, and remembered. Does NOT refresh, and does NOT lock. */
import { expiresInSeconds } from '../client/token-lifetime.js'
import type { TokenSet } from '../client/token-set.js'
import { TokenStoreError } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { withTimeLimit } from '../kit/time-limit.js'
import type { StoredTokens, TokenStore } from '../stores/contract.js'
import type { Holding } from '../stores/exclusively.js'
import { storeFailure } from '../stores/token-entry.js'
import { type KeptTokens, newVersion } from './kept-tokens.js'
import { insist, type KeyState, keysOf, memoryKeyOf, type Replaced, serverIdOf } from './keys-of-store.js'
import { putTokens } from './put-tokens.js'
import {
  type ReauthenticationReason,
  type ReauthenticationRequiredError,
  reauthenticationRequired,
} from './reauthentication-required-error.js'
import { createSentNotes, type SentNotes } from './sent-tokens.js'
import { readKept, replaceKept, takeKept } from './stored-tokens.js'
import type { TokenProvider } from './token-provider.js'
import { isReplaced, replacedBy, saveLater, trySwap } from './unsaved-tokens.js'

/** What keeping the tokens of one key takes. */
export interface KeeperSettings {
  readonly provider: TokenProvider
  readonly store: TokenStore
  readonly key: string
  readonly clock: Clock
  readonly onReauthRequired: ((reason: ReauthenticationReason) => unknown) | undefined
  readonly onEvent: EventListener | undefined
}

/** What became of tokens that were taken away: the newest, and why the entry could not be deleted. */
export interface TakenTokens {
  readonly tokens: TokenSet | undefined
  readonly failure: TokenStoreError | undefined
}

/** See {@link createTokenKeeper}. Rejects with a {@link TokenStoreError}, and with nothing else. */
export interface TokenKeeper extends SentNotes {
  state(): KeyState
  /** The newest tokens: those of the store, or what it could not be given yet. */
  load(): Promise<KeptTokens | undefined>
  /** Keeps tokens of a new login, whatever was there. */
  put(tokens: TokenSet, account: StoredTokens['account']): Promise<void>
  /**
   * Puts `next` in the place of `previous`, and gives what is kept now: `next`, or what somebody else put there, or
   * `undefined`. Where the store fails, this process alone has `next`. `generation` is that of when the work began.
   */
  swap(previous: KeptTokens, next: TokenSet, generation: number): Promise<KeptTokens | undefined>
  /** Goes on trying to write what {@link TokenKeeper.swap} could not, and keeps the lease for as long. */
  saveLater(holding: Holding): void
  /** Deletes `kept`, unless somebody replaced it. False when it was replaced. */
  drop(kept: KeptTokens): Promise<boolean>
  /** Deletes whatever is there, for good: work under way does not bring it back. */
  take(): Promise<TakenTokens>
  /** Ends the session for this process, and tells the application once. */
  end(reason: ReauthenticationReason): ReauthenticationRequiredError
  /** Revokes tokens, within 3 s. Never rejects. */
  revoke(tokens: TokenSet): Promise<'revoked' | 'unsupported' | 'failed'>
}

const revocationMs = 3000

/** Makes the {@link TokenKeeper} of one key. */
export function createTokenKeeper(settings: KeeperSettings): TokenKeeper {
  const { provider, store, key, clock, onReauthRequired, onEvent } = settings
  const keys = keysOf(store)
  const serverId = serverIdOf(provider)
  const memoryKey = memoryKeyOf(provider, key)
  const state = (): KeyState => keys.state(memoryKey)

  function hold(kept: KeptTokens | undefined): KeptTokens | undefined {
    const now = state()
    if (kept !== undefined && kept.version === now.held?.version) return now.held
    if (kept !== undefined) now.ended = undefined
    now.held = kept
    return kept
  }

  async function read(): Promise<KeptTokens | undefined> {
    try {
      return await readKept(store, key, serverId)
    } catch (error) {
      const { held, unsaved } = state()
      if (unsaved === undefined) throw error
      return held
    }
  }

  /** Settles what could not be written before, now that the store answers. */
  async function catchUp(kept: KeptTokens | undefined): Promise<KeptTokens | undefined> {
    const now = state()
    const { held, unsaved } = now
    if (held === undefined || unsaved === undefined || kept === held) return kept
    if (kept !== undefined && kept.version !== held.version && isReplaced(kept, unsaved)) {
      const isSaved = await replace(kept.version, held).catch(() => false)
      if (isSaved && now.unsaved === unsaved) now.unsaved = undefined
      return held
    }
    now.unsaved = undefined
    if (kept === undefined) await revoke(held.tokens)
    return kept
  }

  async function load(): Promise<KeptTokens | undefined> {
    for (;;) {
      const { generation } = state()
      const kept = await catchUp(await read())
      if (state().generation === generation) return hold(kept)
    }
  }

  function replace(version: string, next: KeptTokens | undefined): Promise<boolean> {
    return replaceKept(store, key, version, next, clock())
  }

  const loadOnce = () => keys.loads.run(memoryKey, load)

  async function swap(previous: KeptTokens, next: TokenSet, generation: number): Promise<KeptTokens | undefined> {
    const kept = newVersion({ tokens: next, account: previous.account, serverId, sent: undefined })
    const replaced = replacedBy(next, previous, state().unsaved)
    const result = await insist(() => trySwap(store, key, kept, replaced, clock())).catch(storeFailure)
    if (result instanceof TokenStoreError) return keepUnsaved(previous, replaced, kept, generation, result)
    return settle(result.now, generation)
  }

  async function settle(kept: KeptTokens | undefined, generation: number): Promise<KeptTokens | undefined> {
    const now = state()
    if (now.generation !== generation) return load()
    now.unsaved = undefined
    now.generation += 1
    return hold(kept)
  }

  function keepUnsaved(
    previous: KeptTokens,
    unsaved: Replaced,
    kept: KeptTokens,
    generation: number,
    { code }: TokenStoreError,
  ): KeptTokens | undefined {
    const now = state()
    // A login that is still to be written, or could not be, took the place of nothing.
    if (now.generation !== generation && now.held?.version !== previous.version) return now.held
    now.generation += 1
    now.held = kept
    now.unsaved = unsaved
    const secondsAtRisk = Math.max(0, Math.round(expiresInSeconds(kept.tokens, { nowMs: clock() })))
    emit(onEvent, { type: 'tokens.persist_failed', provider: provider.name, code, secondsAtRisk })
    return kept
  }

  async function drop({ version }: KeptTokens): Promise<boolean> {
    const now = state()
    const { unsaved } = now
    const entry = unsaved && (await readKept(store, key, serverId))
    const isDropped = await replace(entry && isReplaced(entry, unsaved) ? entry.version : version, undefined)
    if (isDropped && now.held?.version === version) {
      now.held = undefined
      now.unsaved = undefined
    }
    now.generation += 1
    return isDropped
  }

  async function take(): Promise<TakenTokens> {
    const now = state()
    const { held, unsaved } = now
    now.generation += 1
    now.held = undefined
    now.unsaved = undefined
    now.ended = 'logged_out'
    const { kept, failure } = await takeKept(store, key, serverId, clock())
    now.generation += 1
    now.held = undefined
    const isSpent = kept !== undefined && unsaved !== undefined && isReplaced(kept, unsaved)
    const newest = kept === undefined || isSpent ? held : kept
    return { tokens: newest?.tokens, failure }
  }

  function end(reason: ReauthenticationReason): ReauthenticationRequiredError {
    const now = state()
    const isNews = now.ended === undefined
    now.ended ??= reason
    if (isNews) {
      emit(onEvent, { type: 'tokens.reauth_required', provider: provider.name, reason })
      emit(onReauthRequired, reason)
    }
    return reauthenticationRequired(provider, now.ended)
  }

  async function revoke(tokens: TokenSet): Promise<'revoked' | 'unsupported' | 'failed'> {
    try {
      const limits = { totalTimeoutMs: revocationMs }
      return await withTimeLimit(revocationMs, (signal) => provider.revoke(tokens, { ...limits, signal }))
    } catch {
      return 'failed'
    }
  }

  const save = (holding: Holding): void => void keys.save(memoryKey, () => saveLater(state(), holding, loadOnce, clock))

  const notes = createSentNotes(state, replace, clock)

  return {
    ...{ state, load: loadOnce, swap, saveLater: save, ...notes, drop, end, revoke },
    put: (tokens, account) => putTokens({ store, key, serverId, clock }, tokens, account),
    take: () => keys.during(memoryKey, take),
  }
}
