/** Decides which signature checks are made on the main thread and which in the thread pool. For Node alone. */
import { type KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto'
import { nextTick } from 'node:process'
import * as nodeTimers from 'node:timers'
import type { MaybePromise } from '../../kit/maybe-promise.js'

/** `crypto.verify` with an answer that may take its time. */
export type SpreadVerify = (
  digest: string | null,
  data: Uint8Array,
  key: KeyObject | VerifyKeyObjectInput,
  signature: Uint8Array,
) => MaybePromise<boolean>

/** So many may wait for the pool: DNS and files still get their turn there. Beyond them the main thread makes every other. */
const maxPooled = 64
/** A pool that makes nothing for one to two of these is blocked, by look-ups of names for instance. */
const patienceMs = 10
/** So many times `many` are made at once after a check that was alone in the pool: twice as many each time, up to the most. */
const backOffTimes = { first: 1, most: 128 }

interface PooledCheck {
  /** How many had been handed over before it. */
  readonly place: number
  readonly makeHere: () => boolean
  readonly resolve: (isValid: boolean) => void
  readonly reject: (error: unknown) => void
}

/**
 * Spreads checks over the cores where many come in one turn of the event loop: `many` or more. The first of such a turn
 * are made at once, the further ones in the thread pool as long as there is room; and where the turn before had as many,
 * all but one go to the pool. Where fewer come, or one after another, each waiting for the one before, the pool only
 * costs: within one task a chain shows by what ran in between, or by a check that was alone in the pool, which is then left
 * alone for a while. What waits for a pool that has answered nothing for 20 ms is checked on the main thread, and as long as
 * it stays blocked nothing more is handed over.
 *
 * @param many - so many in a turn that handing over pays, an even number; `Infinity` where it never does.
 * @param verifyWith - `crypto.verify`.
 */
export function createSpreadVerify(
  many: number,
  verifyWith: typeof verify = verify,
  { setImmediate, setTimeout }: Pick<typeof nodeTimers, 'setImmediate' | 'setTimeout'> = nodeTimers,
): SpreadVerify {
  const half = many / 2
  const waiting = new Set<PooledCheck>()
  let startedThisTurn = 0
  let started = 0
  let handedOver = 0
  /** So many of a turn are made at once. */
  let atOnce = many
  let backOff = backOffTimes.first
  let backOffUntil = 0
  /** How many of those handed over the pool has still to make, as far as can be told within a turn. */
  let inLine = 0
  /** Answers still to come for checks that the main thread made in the end. */
  let late = 0
  let answered = 0
  let isWatched = false
  /** What has run since half of `many` had come: microtasks queued before it, the task it is part of. */
  let isStepOver = false
  let isTaskOver = false

  function endTurn(): void {
    endCount()
    inLine = waiting.size
  }

  /** Counts anew. How many came tells how many of the next ones are made at once. */
  function endCount(): void {
    if (startedThisTurn >= many) atOnce = 1
    else if (startedThisTurn > half) atOnce = many
    else atOnce = Math.max(atOnce, half)
    startedThisTurn = 0
  }

  function mark(): void {
    isStepOver = false
    isTaskOver = false
    void Promise.resolve().then(() => {
      isStepOver = true
    })
    // Runs once no microtask is left, and before the next task.
    nextTick(() => {
      isTaskOver = true
    })
  }

  function watch(): void {
    isWatched = waiting.size > 0
    if (!isWatched) return
    const until = handedOver
    const before = answered
    // What the pool has made by the end of that time is collected before the immediate runs. An event loop in which nothing
    // else happens would sleep on beside an immediate that is unref'd.
    setTimeout(() => setImmediate(makeBlocked, until, before), patienceMs).unref()
  }

  /**
   * @param until - later ones have not waited long enough.
   * @param before - how many were answered by then: a pool that is slow makes them sooner than the main thread beside it.
   */
  function makeBlocked(until: number, before: number): void {
    for (const check of waiting) {
      if (check.place >= until || answered > before) break
      waiting.delete(check)
      late += 1
      settle(check)
    }
    watch()
  }

  /** An answer of the pool. `wasAlone`: nothing else was checked while it was made. */
  function take(check: PooledCheck, error: Error | null, isValid: boolean, wasAlone: boolean): void {
    answered += 1
    if (!waiting.delete(check)) {
      late -= 1
      return
    }
    inLine = Math.min(inLine, waiting.size)
    if (wasAlone) backOffUntil = started + backOff * many
    backOff = wasAlone ? Math.min(backOff * 2, backOffTimes.most) : backOffTimes.first
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

  /** Counts a check that begins now. Whether it is one of many of this turn. */
  function isOneOfMany(): boolean {
    if (startedThisTurn === 0) setImmediate(endTurn).unref()
    if (startedThisTurn >= half && isStepOver && !isTaskOver) endCount()
    startedThisTurn += 1
    started += 1
    if (startedThisTurn === half) mark()
    return startedThisTurn > atOnce && started > backOffUntil
  }

  return (digest, data, key, signature) => {
    if (isOneOfMany() && inLine < maxPooled && late === 0) return verifyInPool(digest, data, key, signature)
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
