/*
 * One process at a time: how work goes on under a lease that is renewed for as long as the work takes.
 */

import { emit } from '../kit/event-sink.js'
import type { EventListener } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { inPatience, pause, unref } from '../kit/time-limit.js'
import type { Lease, LockStore } from './contract.js'

/** What the work knows about its lease. */
export interface Holding {
  /** Aborts when the work is no longer alone. */
  readonly alone: AbortSignal
  /** Renews the lease at once; false where it is lost. Rejects when the lock cannot tell. */
  confirm(): Promise<boolean>
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
export function createExclusively({ lock: given, store, worksUnlocked, onEvent }: ExclusiveSettings): Exclusively {
  const unwatched: Holding = { alone: new AbortController().signal, confirm: async () => true }
  if (given === undefined) return (_key, work) => work(unwatched)
  const lock = lockInTime(given)

  function tellFailure(error: unknown): void {
    emit(onEvent, { type: 'store.failed', store, reason: failureCode(error), failedOpen: true })
  }

  async function acquire(key: string): Promise<Lease | 'unlocked' | undefined> {
    try {
      return await lock.acquire(key, leaseMs)
    } catch (error) {
      if (!worksUnlocked) throw error
      tellFailure(error)
      return 'unlocked'
    }
  }

  async function under<T>(lease: Lease, takenAtMs: number, work: (holding: Holding) => Promise<T>): Promise<T> {
    const { stop, ...holding } = hold(lease, takenAtMs, tellFailure)
    holding.alone.addEventListener('abort', () => emit(onEvent, { type: 'lock.lost', store }))
    try {
      return await work(holding)
    } finally {
      stop()
      void lease.release().catch(tellFailure)
    }
  }

  return async (key, work, look) => {
    const startedAtMs = performance.now()
    let pauseMs = firstPauseMs
    while (performance.now() - startedAtMs < longestWaitMs) {
      const takenAtMs = performance.now()
      const lease = await acquire(key)
      if (lease === 'unlocked') return (await look()) ?? work(unwatched)
      if (lease !== undefined) return under(lease, takenAtMs, async (holding) => (await look()) ?? work(holding))
      await pause(pauseMs * (0.5 + Math.random() / 2))
      const done = await look()
      if (done !== undefined) return done
      pauseMs = Math.min(longestPauseMs, pauseMs * 2)
    }
    throw new FetchFailure('timeout')
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
    const isHeld = await lease.extend(leaseMs)
    if (!isHeld) lose()
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
