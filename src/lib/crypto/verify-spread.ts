import { type KeyObject, verify } from 'node:crypto'
import { setImmediate } from 'node:timers'
import type { MaybePromise } from '../maybe-promise.js'

/** One request at a time never leaves the main thread: handing a check over takes as long as half of it. */
const atOncePerTurn = 4
/** Beyond these the main thread helps itself, and DNS and files still get their turn in the pool. */
const maxPooled = 32

let startedThisTurn = 0
let pooled = 0

function endTurn(): void {
  startedThisTurn = 0
}

/**
 * `crypto.verify`, spread over the cores where many checks come in one turn of the event loop: the first of them are
 * made at once, further ones in the thread pool as long as there is room. For curves, whose checks are dear enough.
 */
export function verifySpread(
  digest: string | null,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): MaybePromise<boolean> {
  if (startedThisTurn === 0) setImmediate(endTurn).unref()
  startedThisTurn += 1
  if (startedThisTurn <= atOncePerTurn || pooled >= maxPooled) return verify(digest, data, key, signature)
  return verifyInPool(digest, data, key, signature)
}

function verifyInPool(
  digest: string | null,
  data: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): Promise<boolean> {
  pooled += 1
  return new Promise((resolve, reject) => {
    verify(digest, data, key, signature, (error, isValid) => {
      pooled -= 1
      if (error === null) resolve(isValid)
      else reject(error)
    })
  })
}
