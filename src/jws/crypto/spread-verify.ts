import { type KeyObject, verify } from 'node:crypto'
import { setImmediate } from 'node:timers'
import type { MaybePromise } from '../../kit/maybe-promise.js'

/** `crypto.verify` with an answer that may take its time. */
export type SpreadVerify = (
  digest: string | null,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
) => MaybePromise<boolean>

/** One request at a time never leaves the main thread: handing a check over takes as long as half of it. */
const atOncePerTurn = 4
/** Beyond these the main thread helps itself, and DNS and files still get their turn in the pool. */
const maxPooled = 32
/** So many are made at once before the pool is tried again, after a check in it had nobody beside it. */
const backOffChecks = 256

/**
 * Spreads checks over the cores where many come in one turn of the event loop: the first of them are made at once,
 * further ones in the thread pool as long as there is room. Where they come one after another in a single turn, each
 * waiting for the one before, the pool only costs: it is left alone for a while. For curves, whose checks are dear enough.
 */
export function createSpreadVerify(): SpreadVerify {
  let startedThisTurn = 0
  let started = 0
  let pooled = 0
  let backOffUntil = 0

  function endTurn(): void {
    startedThisTurn = 0
  }

  const verifyInPool: SpreadVerify = (digest, data, key, signature) => {
    const place = started
    const poolWasEmpty = pooled === 0
    return new Promise((resolve, reject) => {
      verify(digest, data, key, signature, (error, isValid) => {
        pooled -= 1
        if (poolWasEmpty && started === place) backOffUntil = started + backOffChecks
        if (error === null) resolve(isValid)
        else reject(error)
      })
      pooled += 1
    })
  }

  return (digest, data, key, signature) => {
    if (startedThisTurn === 0) setImmediate(endTurn).unref()
    startedThisTurn += 1
    started += 1
    const isCalm = startedThisTurn <= atOncePerTurn || started <= backOffUntil
    if (isCalm || pooled >= maxPooled) return verify(digest, data, key, signature)
    return verifyInPool(digest, data, key, signature)
  }
}
