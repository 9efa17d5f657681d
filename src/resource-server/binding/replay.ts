import { sha256Base64url } from '#crypto'
import { InvalidProofError, UnavailableError } from '../../errors/index.js'
import { type EventListener, emit } from '../../kit/events.js'
import { failureCode } from '../../kit/failure-code.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { inTime } from '../../kit/time-limit.js'
import type { ReplayStore } from '../../stores/contract.js'

/** What decides about replays. */
export interface ReplaySettings {
  readonly replayStore: ReplayStore
  readonly dangerouslyAllowReplayWhenStoreFails: boolean
  readonly onEvent: EventListener | undefined
  /** How long a proof could be accepted again: the whole acceptance window. */
  readonly ttlMs: number
}

/** A proof about to be accepted. */
export interface ProofUse {
  readonly jkt: string
  readonly jti: string
  /** For the event. */
  readonly resource: string
  /** See `RequestFacts.request`. */
  readonly request: object | undefined
}

/**
 * Makes the single-use check (RFC 9449 §11.1): a proof is known by the SHA-256 of its key's thumbprint and its `jti`,
 * and nothing else of it reaches the store but the thumbprint, as the owner. A store that does not answer within 5 s has failed. The request that used a
 * proof up may show it to further guards.
 */
export function createReplayGuard(settings: ReplaySettings): (use: ProofUse) => MaybePromise<void> {
  const { replayStore, onEvent, ttlMs } = settings
  const failsOpen = settings.dangerouslyAllowReplayWhenStoreFails
  const usedBy = new WeakMap<object, string>()

  function fail(cause: unknown): void {
    emit(onEvent, { type: 'store.failed', store: 'replay', reason: failureCode(cause), failedOpen: failsOpen })
    if (!failsOpen) throw new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'replay store', cause })
  }

  function settle(reserved: unknown, resource: string): void {
    if (reserved === true) return
    if (reserved === false) {
      emit(onEvent, { type: 'dpop.replayed', resource })
      throw new InvalidProofError('ERR_PROOF_REPLAYED')
    }
    fail(new TypeError('the replay store answered neither true nor false'))
  }

  function reserve(key: string, { jkt, resource }: ProofUse): MaybePromise<void> {
    let answer: boolean | Promise<boolean>
    try {
      answer = replayStore.reserve(key, ttlMs, jkt)
    } catch (error) {
      return fail(error)
    }
    if (typeof answer === 'boolean') return settle(answer, resource)
    return inTime(() => answer).then((reserved) => settle(reserved, resource), fail)
  }

  function useUp(key: string, use: ProofUse): MaybePromise<void> {
    const { request } = use
    if (request === undefined) return reserve(key, use)
    if (usedBy.get(request) === key) return
    return whenReady(reserve(key, use), () => void usedBy.set(request, key))
  }

  return (use) => whenReady(sha256Base64url(`${use.jkt}.${use.jti}`), (key) => useUp(key, use))
}
