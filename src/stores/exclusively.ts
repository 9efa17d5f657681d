/*
 * One process at a time: how work goes on under a lease that is renewed for as long as the work takes.
 */

import { systemClock } from '../kit/clock.js'
import { emit } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { inPatience, pause, unref } from '../kit/time-limit.js'
import type { Lease, LockStore } from './contract.js'
import { createStoreWatch, type StoreWatch } from './store-watch.js'

/** What the work knows about its lease. */
export interface Holding {
  /** Aborts when the work is no longer alone. */
  readonly alone: AbortSignal
  /**
   * Renews the lease at once; false where it is lost, or may be by the time its answer is read. Rejects when the lock
   * cannot tell.
   */
  confirm(): Promise<boolean>
  /** Runs a part of the work that may outlast it: the lease is kept until the last part has settled. */
  during<T>(part: () => Promise<T>): Promise<T>
}

/**
 * Runs `work` in one process at a time per key; the others wait and `look` for its result. Where the work is no longer
 * alone, its result serves its caller, and must not be shared.
 *
 * @throws {@link FetchFailure} `timeout` when neither the lock nor a result could be had in 15 s.
 */
export type Exclusively = <T>(
  key: string,
  work: (holding: Holding) => Promise<T>,
  look: () => Promise<T | undefined>,
) => Promise<T>

/** How {@link createExclusively} goes about it. */
export interface ExclusiveSettings {
  /** Without one it just works. It has 5 s to answer. */
  readonly lock: LockStore | undefined
  /** Named in events. */
  readonly store: 'grants' | 'tokens'
  /** Whether the work is done where the lock fails: twice at worst. Otherwise rejects with what the lock rejects with. */
  readonly worksUnlocked: boolean
  /** Of the lock. Default: one of its own. */
  readonly watch?: StoreWatch | undefined
  readonly onEvent: EventListener | undefined
}

const leaseMs = 30_000
const renewEveryMs = leaseMs / 3
const longestWaitMs = 15_000
const firstPauseMs = 50
const longestPauseMs = 250

/**
 * Makes {@link Exclusively} over a lock. The lease is renewed for as long as the work takes, so that no other process
 * starts before it is done. Where it is lost during the work, an event tells.
 */
export function createExclusively(settings: ExclusiveSettings): Exclusively {
  const { lock: given, store, worksUnlocked, onEvent } = settings
  const { watch = createStoreWatch(store, true, onEvent) } = settings
  const unwatched: Holding = {
    alone: new AbortController().signal,
    confirm: async () => true,
    during: (part) => part(),
  }
  if (given === undefined) return (_key, work) => work(unwatched)
  const lock = lockInTime(given)

  function tellFailure(error: unknown): void {
    watch.failed(error, true)
  }

  async function acquire(key: string): Promise<Lease | 'unlocked' | undefined> {
    try {
      const lease = await lock.acquire(key, leaseMs)
      watch.answered()
      return lease
    } catch (error) {
      if (!worksUnlocked) throw error
      tellFailure(error)
      return 'unlocked'
    }
  }

  function under<T>(lease: Lease, takenAtMs: number, work: (holding: Holding) => Promise<T>): Promise<T> {
    const { stop, ...held } = hold(lease, takenAtMs, tellFailure)
    held.alone.addEventListener('abort', () => emit(onEvent, { type: 'lock.lost', store }))
    let parts = 0
    async function during<U>(part: () => Promise<U>): Promise<U> {
      parts += 1
      try {
        return await part()
      } finally {
        parts -= 1
        if (parts === 0) {
          stop()
          void lease.release().catch(tellFailure)
        }
      }
    }
    return during(() => work({ ...held, during }))
  }

  /** Tries until the lease is free, or `look` finds what another process made. */
  async function waitFor<T>(
    key: string,
    startedAtMs: number,
    work: (holding: Holding) => Promise<T>,
    look: () => Promise<T | undefined>,
  ): Promise<T> {
    const tell = (outcome: 'lease' | 'result' | 'timeout') =>
      emit(onEvent, { type: 'lock.waited', store, outcome, durationMs: performance.now() - startedAtMs })
    let pauseMs = firstPauseMs
    while (performance.now() - startedAtMs < longestWaitMs) {
      await pause(pauseMs * (0.5 + Math.random() / 2))
      const done = await look()
      if (done !== undefined) {
        tell('result')
        return done
      }
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
      const begun = await begin(key, work, look)
      if (begun !== undefined) {
        tell('lease')
        return begun.result
      }
    }
    tell('timeout')
    throw new FetchFailure('timeout')
  }

  /** Works under the lease, or without one where the lock fails. `undefined` where another process has it. */
  async function begin<T>(
    key: string,
    work: (holding: Holding) => Promise<T>,
    look: () => Promise<T | undefined>,
  ): Promise<{ readonly result: Promise<T> } | undefined> {
    const takenAtMs = performance.now()
    const lease = await acquire(key)
    if (lease === undefined) return undefined
    const begun = async (holding: Holding) => (await look()) ?? work(holding)
    return { result: lease === 'unlocked' ? begun(unwatched) : under(lease, takenAtMs, begun) }
  }

  return async (key, work, look) => {
    const startedAtMs = performance.now()
    const begun = await begin(key, work, look)
    return begun === undefined ? waitFor(key, startedAtMs, work, look) : begun.result
  }
}

/**
 * Renews a lease until it is stopped. `alone` aborts when the lease is lost: refused, or not renewed before its time was
 * over, counted from before it was asked for.
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
  async function confirm(): Promise<boolean> {
    const askedAtMs = performance.now()
    const askedAt = systemClock()
    const isHeld = await lease.extend(leaseMs)
    // The process may have slept before it read the answer. A machine that sleeps stops one of both clocks.
    const passedMs = Math.max(performance.now() - askedAtMs, systemClock() - askedAt)
    if (!isHeld || passedMs >= leaseMs) lose()
    if (isOver) return false
    clearTimeout(expiry)
    expiry = endAt(askedAtMs + leaseMs)
    return true
  }
  async function renew(): Promise<void> {
    try {
      await confirm()
    } catch (error) {
      if (!isOver) tellFailure(error)
    }
  }
  const renewal = setInterval(renew, renewEveryMs)
  unref(renewal)
  return { alone: controller.signal, confirm, stop }
}

/** A lock that fails rather than keep anyone waiting for more than 5 s. A lease that comes too late ends by itself. */
function lockInTime(lock: LockStore): LockStore {
  return {
    async acquire(key, ttlMs) {
      const lease = await inPatience(lock.acquire(key, ttlMs))
      if (lease === undefined) return undefined
      return {
        extend: async (longerMs) => inPatience(lease.extend(longerMs)),
        release: async () => inPatience(lease.release()),
      }
    },
  }
}
