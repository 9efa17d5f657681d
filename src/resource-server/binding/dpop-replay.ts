/** The single use of DPoP proofs (RFC 9449 §11.1). Does NOT look at the proof itself. */
import { sha256Base64url } from '#crypto'
import { type AuthError, InvalidProofError, UnavailableError } from '../../errors/index.js'
import { emit } from '../../kit/event-sink.js'
import type { EventListener } from '../../kit/events.js'
import { type MaybePromise, whenReady } from '../../kit/maybe-promise.js'
import { inTime } from '../../kit/time-limit.js'
import type { ReplayStore } from '../../stores/contract.js'
import { createStoreWatch, type StoreWatch } from '../../stores/store-watch.js'

/** What decides about replays. */
export interface ReplaySettings {
  readonly replayStore: ReplayStore
  readonly dangerouslyAllowReplayWhenStoreFails: boolean
  readonly watch?: StoreWatch | undefined
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
  readonly isRehearsal?: boolean | undefined
}

/** A reservation that the store did not answer at once. */
interface PendingUse {
  readonly key: string
  readonly done: Promise<void>
}

/**
 * Makes the single-use check (RFC 9449 §11.1): a proof is known by the SHA-256 of its key's thumbprint and its `jti`,
 * and nothing else of it reaches the store but the thumbprint, as the owner. A store that does not answer within 5 s has failed. The request that used a
 * proof up may show it to further guards, also while the store has not answered yet.
 */
export function createReplayGuard(settings: ReplaySettings): (use: ProofUse) => MaybePromise<void> {
  const { replayStore, onEvent, ttlMs } = settings
  const { watch = createStoreWatch('replay', true, onEvent) } = settings
  const failsOpen = settings.dangerouslyAllowReplayWhenStoreFails
  /** The proof a request used up, or is about to. */
  const uses = new WeakMap<object, string | PendingUse>()
  /** What a rehearsal repeats. */
  const refusals = new WeakMap<object, AuthError>()

  function refuse({ request }: ProofUse, error: AuthError): never {
    if (request !== undefined) refusals.set(request, error)
    throw error
  }

  function fail(cause: unknown, use: ProofUse): void {
    watch.failed(cause, failsOpen)
    if (!failsOpen) refuse(use, new UnavailableError('ERR_STORE_UNAVAILABLE', { detail: 'replay store', cause }))
  }

  function settle(reserved: unknown, use: ProofUse): void {
    if (reserved === true) {
      watch.answered()
      return
    }
    if (reserved === false) {
      watch.answered()
      emit(onEvent, { type: 'dpop.replayed', resource: use.resource })
      refuse(use, new InvalidProofError('ERR_PROOF_REPLAYED'))
    }
    fail(new TypeError('the replay store answered neither true nor false'), use)
  }

  function reserve(key: string, use: ProofUse): MaybePromise<void> {
    let answer: boolean | Promise<boolean>
    try {
      answer = replayStore.reserve(key, ttlMs, use.jkt)
    } catch (error) {
      return fail(error, use)
    }
    if (typeof answer === 'boolean') return settle(answer, use)
    return inTime(() => answer).then(
      (reserved) => settle(reserved, use),
      (error) => fail(error, use),
    )
  }

  function rehearse({ request }: ProofUse): void {
    const refusal = request && refusals.get(request)
    if (refusal !== undefined) throw refusal
  }

  function useUp(key: string, use: ProofUse): MaybePromise<void> {
    const { request } = use
    if (use.isRehearsal === true) return rehearse(use)
    if (request === undefined) return reserve(key, use)
    const known = uses.get(request)
    if (known === key) return
    if (typeof known === 'object' && known.key === key) return known.done
    const done = reserve(key, use)
    if (done instanceof Promise) return untilSettled(request, key, done)
    uses.set(request, key)
  }

  function untilSettled(request: object, key: string, done: Promise<void>): Promise<void> {
    const pending = { key, done }
    uses.set(request, pending)
    return done.catch((error) => {
      if (uses.get(request) === pending) uses.delete(request)
      throw error
    })
  }

  return (use) => whenReady(sha256Base64url(`${use.jkt}.${use.jti}`), (key) => useUp(key, use))
}
