import { type EventListener, emit } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { unref } from '../kit/time-limit.js'
import type { Lease, LockStore } from '../stores/contract.js'

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
