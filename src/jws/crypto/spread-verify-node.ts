/** Decides which signature checks are made on the main thread and which in the thread pool. For Node alone. */
import { type KeyObject, verify } from 'node:crypto'
import * as nodeTimers from 'node:timers'
import type { MaybePromise } from '../../kit/maybe-promise.js'

/** `crypto.verify` with an answer that may take its time. */
export type SpreadVerify = (
  digest: string | null,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
) => MaybePromise<boolean>

/** So many may wait for the pool: DNS and files still get their turn there. Beyond them the main thread makes every other. */
const maxPooled = 64
/** So many are made at once before the pool is tried again, after a check that was alone in it; each time twice as many. */
const backOffChecks = { first: 256, most: 8192 }
/** What the pool has not made after one to two of these is made on the main thread: look-ups of names may block it. */
const patienceMs = 10

interface PooledCheck {
  /** How many had been handed over before it. */
  readonly place: number
  readonly makeHere: () => boolean
  readonly resolve: (isValid: boolean) => void
  readonly reject: (error: unknown) => void
}

/**
 * Spreads checks over the cores where many come in one turn of the event loop: the first of them are made at once, and
 * further ones in the thread pool as long as there is room. Where they come one after another in a single turn, each
 * waiting for the one before, the pool only costs: it is left alone for a while. What a blocked pool has not answered
 * within 20 ms is checked on the main thread, and as long as it stays blocked nothing more is handed over.
 *
 * @param atOncePerTurn - how many of a turn are made at once: so many that handing the next ones over pays.
 * @param verifyWith - `crypto.verify`.
 */
export function createSpreadVerify(
  atOncePerTurn: number,
  verifyWith: typeof verify = verify,
  { setImmediate, setTimeout }: Pick<typeof nodeTimers, 'setImmediate' | 'setTimeout'> = nodeTimers,
): SpreadVerify {
  const waiting = new Set<PooledCheck>()
  let startedThisTurn = 0
  let started = 0
  let handedOver = 0
  let backOffUntil = 0
  let backOff = backOffChecks.first
  /** How many of those handed over the pool has still to make, as far as can be told within a turn. */
  let inLine = 0
  /** Answers still to come for checks that the main thread made in the end. */
  let late = 0
  let isWatched = false

  function endTurn(): void {
    startedThisTurn = 0
    inLine = waiting.size
  }

  function watch(): void {
    isWatched = waiting.size > 0
    if (!isWatched) return
    const until = handedOver
    // What the pool has made by the end of that time is collected before the immediate runs.
    setTimeout(() => setImmediate(makeBlocked, until).unref(), patienceMs).unref()
  }

  /** @param until - later ones have not waited long enough. */
  function makeBlocked(until: number): void {
    for (const check of waiting) {
      if (check.place >= until) break
      waiting.delete(check)
      late += 1
      settle(check)
    }
    watch()
  }

  /** An answer of the pool. `wasAlone`: nothing else was started while it was made. */
  function take(check: PooledCheck, error: Error | null, isValid: boolean, wasAlone: boolean): void {
    if (!waiting.delete(check)) {
      late -= 1
      return
    }
    inLine = Math.min(inLine, waiting.size)
    if (wasAlone) backOffUntil = started + backOff
    backOff = wasAlone ? Math.min(backOff * 2, backOffChecks.most) : backOffChecks.first
    if (error === null) check.resolve(isValid)
    else check.reject(error)
  }

  const verifyInPool: SpreadVerify = (digest, data, key, signature) =>
    new Promise((resolve, reject) => {
      const place = started
      const wasEmpty = waiting.size === 0
      const makeHere = (): boolean => verifyWith(digest, data, key, signature)
      const check = { place: handedOver, makeHere, resolve, reject }
      verifyWith(digest, data, key, signature, (error, isValid) =>
        take(check, error, isValid, wasEmpty && started === place),
      )
      waiting.add(check)
      handedOver += 1
      inLine += 1
      if (!isWatched) watch()
    })

  return (digest, data, key, signature) => {
    if (startedThisTurn === 0) setImmediate(endTurn).unref()
    startedThisTurn += 1
    started += 1
    const isCalm = startedThisTurn <= atOncePerTurn || started <= backOffUntil
    if (!isCalm && inLine < maxPooled && late === 0) return verifyInPool(digest, data, key, signature)
    if (inLine > 0) inLine -= 1
    return verifyWith(digest, data, key, signature)
  }
}

function settle({ makeHere, resolve, reject }: PooledCheck): void {
  try {
    resolve(makeHere())
  } catch (error) {
    reject(error)
  }
}
