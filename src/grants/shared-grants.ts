import type { GrantedToken } from '../auth/access-context.js'
import type { Clock } from '../kit/clock.js'
import { type EventListener, emit } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import type { MaybePromise } from '../kit/maybe-promise.js'
import { inTime, unref } from '../kit/time-limit.js'
import type { GrantStore, Lease, LockStore, StoredGrant } from '../stores/contract.js'
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

/**
 * Runs `work` in one process at a time per key; the others wait and `look` for its result. The signal aborts when `work`
 * is no longer alone: its result then serves its caller, and must not be shared.
 *
 * @throws {@link FetchFailure} `timeout` when neither the lock nor a result could be had in 15 s.
 */
export type Exclusively = <T>(
  key: string,
  work: (alone: AbortSignal) => Promise<T>,
  look: () => Promise<T | undefined>,
) => Promise<T>

const leaseMs = 30_000
const renewEveryMs = leaseMs / 3
const longestWaitMs = 15_000
const firstPauseMs = 50
const longestPauseMs = 250

/**
 * Makes {@link Exclusively} over a lock; without one it just works. The lease is renewed for as long as the work takes,
 * so that no other process starts before it is done. Where the lock fails the work is done all the same, twice at worst,
 * and an event tells; where the lease is lost during the work, another one tells.
 */
export function createExclusively(lock: LockStore | undefined, onEvent: EventListener | undefined): Exclusively {
  const { signal: unwatched } = new AbortController()
  if (lock === undefined) return (_key, work) => work(unwatched)

  function tellFailure(error: unknown): void {
    emit(onEvent, { type: 'store.failed', store: 'grants', reason: failureCode(error), failedOpen: true })
  }

  async function acquire(key: string, store: LockStore): Promise<Lease | 'unlocked' | undefined> {
    try {
      return await store.acquire(key, leaseMs)
    } catch (error) {
      tellFailure(error)
      return 'unlocked'
    }
  }

  async function under<T>(lease: Lease, takenAtMs: number, work: (alone: AbortSignal) => Promise<T>): Promise<T> {
    const holding = hold(lease, takenAtMs, tellFailure)
    holding.signal.addEventListener('abort', () => emit(onEvent, { type: 'lock.lost', store: 'grants' }))
    try {
      return await work(holding.signal)
    } finally {
      holding.stop()
      void lease.release().catch(tellFailure)
    }
  }

  return async (key, work, look) => {
    const startedAtMs = performance.now()
    let pauseMs = firstPauseMs
    while (performance.now() - startedAtMs < longestWaitMs) {
      const takenAtMs = performance.now()
      const lease = await acquire(key, lock)
      if (lease === 'unlocked') return (await look()) ?? work(unwatched)
      if (lease !== undefined) return under(lease, takenAtMs, async (alone) => (await look()) ?? work(alone))
      await pause(pauseMs * (0.5 + Math.random() / 2))
      const done = await look()
      if (done !== undefined) return done
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
    }
    throw new FetchFailure('timeout')
  }
}

/**
 * Renews a lease until it is stopped. The signal aborts when the lease is lost: refused, or not renewed before its time
 * was over, counted from before it was asked for.
 */
function hold(lease: Lease, takenAtMs: number, tellFailure: (error: unknown) => void) {
  const controller = new AbortController()
  let isOver = false
  let expiry = endAt(takenAtMs + leaseMs)

  function endAt(atMs: number): ReturnType<typeof setTimeout> {
    const timer = setTimeout(lose, atMs - performance.now())
    unref(timer)
    return timer
  }
  function stop(): void {
    clearTimeout(expiry)
    clearInterval(renewal)
    isOver = true
  }
  function lose(): void {
    if (isOver) return
    stop()
    controller.abort()
  }
  async function renew(): Promise<void> {
    const askedAtMs = performance.now()
    try {
      const isHeld = await lease.extend(leaseMs)
      if (!isHeld) lose()
      if (isOver) return
      clearTimeout(expiry)
      expiry = endAt(askedAtMs + leaseMs)
    } catch (error) {
      if (!isOver) tellFailure(error)
    }
  }
  const renewal = setInterval(renew, renewEveryMs)
  unref(renewal)
  return { signal: controller.signal, stop }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    unref(setTimeout(resolve, ms))
  })
}

/** A store of the application's, that fails rather than keep a request waiting for more than 5 s. */
export function storeInTime(store: GrantStore): GrantStore {
  return {
    get: (key) => patient(store.get(key)),
    set: (key, grant, ttlMs) => patient(store.set(key, grant, ttlMs)),
    delete: (key) => patient(store.delete(key)),
  }
}

/** As {@link storeInTime}. A lease that comes too late ends by itself when its time is over. */
export function lockInTime(lock: LockStore): LockStore {
  return {
    async acquire(key, ttlMs) {
      const lease = await patient(lock.acquire(key, ttlMs))
      if (lease === undefined) return undefined
      return {
        extend: async (longerMs) => patient(lease.extend(longerMs)),
        release: async () => patient(lease.release()),
      }
    },
  }
}

/** An answer that is there needs no time limit. */
function patient<T>(answer: MaybePromise<T>): MaybePromise<T> {
  return answer instanceof Promise ? inTime(() => answer) : answer
}
