import type { GrantedToken } from '../auth/access-context.js'
import type { Clock } from '../kit/clock.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import { inPatience } from '../kit/time-limit.js'
import type { GrantStore, StoredGrant } from '../stores/contract.js'
import { redacted } from './exchange.js'

/** A {@link GrantStore} that never fails: without it, tokens are exchanged anew, and an event tells. */
export interface GrantCache {
  get(key: string): Promise<GrantedToken | undefined>
  /** Keeps a token until shortly before it expires, and no longer than the subject's own (in seconds, if it has one). */
  set(key: string, token: GrantedToken, subjectExpiresAt: number | undefined): Promise<void>
  delete(key: string): Promise<void>
}

/** Before its expiry by this much a token counts as expired, or by a tenth of its lifetime where that is less. */
const expirySkewMs = 30_000

/** Makes a {@link GrantCache}. */
export function createGrantCache(store: GrantStore, clock: Clock, onEvent: EventListener | undefined): GrantCache {
  async function failingOpen<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      emit(onEvent, { type: 'store.failed', store: 'grants', reason: failureCode(error), failedOpen: true })
      return undefined
    }
  }

  /** A store in memory gives the same object again and again. */
  const shown = new WeakMap<StoredGrant, GrantedToken>()

  function show(kept: StoredGrant): GrantedToken {
    const token = shown.get(kept) ?? redacted(kept)
    shown.set(kept, token)
    return token
  }

  return {
    async get(key) {
      const kept = await failingOpen(() => store.get(key))
      return kept !== undefined && kept.expiresAt * 1000 > clock() ? show(kept) : undefined
    },
    async set(key, token, subjectExpiresAt = Number.POSITIVE_INFINITY) {
      const { accessToken, tokenType, scope, issuedTokenType, expiresAt } = token
      // A token whose expiry is unknown serves its request and is forgotten.
      if (expiresAt === undefined) return
      const nowMs = clock()
      const skewMs = Math.min(expirySkewMs, (expiresAt * 1000 - nowMs) / 10)
      const ttlMs = Math.min(expiresAt * 1000 - skewMs, subjectExpiresAt * 1000) - nowMs
      if (ttlMs <= 0) return
      await failingOpen(() => store.set(key, { accessToken, tokenType, scope, issuedTokenType, expiresAt }, ttlMs))
    },
    async delete(key) {
      await failingOpen(() => store.delete(key))
    },
  }
}

/** A store of the application's, that fails rather than keep a request waiting for more than 5 s. */
export function storeInTime(store: GrantStore): GrantStore {
  return {
    get: (key) => inPatience(store.get(key)),
    set: (key, grant, ttlMs) => inPatience(store.set(key, grant, ttlMs)),
    delete: (key) => inPatience(store.delete(key)),
  }
}
