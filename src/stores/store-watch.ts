/** What is known of a store by the answers it gave. Does NOT ask it anything. */
import { emit } from '../kit/event-sink.js'
import type { EventListener, StoreName } from '../kit/events.js'
import { failureCode } from '../kit/failure-code.js'

/** How a store has answered so far. @group Resource server */
export interface StoreHealth {
  /** Whether it was given by the application, to be shared by processes; false for the one in memory. */
  readonly shared: boolean
  /** How many times in a row it has failed by now; 0 after an answer. */
  readonly failures: number
  /** The `reason` of the last `store.failed` event; `undefined` after an answer. */
  readonly lastFailure: string | undefined
}

/** Watches one store. Whoever asks the store says how that went. */
export interface StoreWatch {
  /** Costs one comparison while nothing is wrong. */
  answered(): void
  /** @param failedOpen - whether what asked goes on without the store. */
  failed(cause: unknown, failedOpen: boolean): void
  health(): StoreHealth
}

/** Makes the watch of a store, which tells of each failure, and of the first answer after one. */
export function createStoreWatch(store: StoreName, shared: boolean, onEvent: EventListener | undefined): StoreWatch {
  let failures = 0
  let lastFailure: string | undefined
  return {
    answered() {
      if (failures === 0) return
      emit(onEvent, { type: 'store.recovered', store, failures })
      failures = 0
      lastFailure = undefined
    },
    failed(cause, failedOpen) {
      const reason = failureCode(cause)
      failures += 1
      lastFailure = reason
      emit(onEvent, { type: 'store.failed', store, reason, failedOpen })
    },
    health: () => ({ shared, failures, lastFailure }),
  }
}
