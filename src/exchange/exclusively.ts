import { type EventListener, emit } from '../events.js'
import { unref } from '../lib/unref.js'
import type { LockStore } from '../stores/contract.js'

/** Runs `work` in one process at a time per key; the others wait and `look` for its result. */
export type Exclusively = <T>(key: string, work: () => Promise<T>, look: () => Promise<T | undefined>) => Promise<T>

const lockMs = 10_000
const lookEveryMs = 50

/**
 * Makes {@link Exclusively} over a lock; without one it just works. A lock that fails is no reason to fail: the work is
 * then done twice at worst.
 */
export function createExclusively(lock: LockStore | undefined, onEvent: EventListener | undefined): Exclusively {
  if (lock === undefined) return (_key, work) => work()

  async function acquire(store: LockStore, key: string): Promise<(() => Promise<void>) | undefined> {
    try {
      return await store.acquire(key, lockMs)
    } catch (error) {
      const reason = error instanceof Error ? error.name : typeof error
      emit(onEvent, { type: 'store.failed', store: 'grants', reason, failedOpen: true })
      return async () => {}
    }
  }

  return async (key, work, look) => {
    for (let waitedMs = 0; waitedMs < lockMs; waitedMs += lookEveryMs) {
      const release = await acquire(lock, key)
      if (release !== undefined) {
        try {
          return (await look()) ?? (await work())
        } finally {
          await release().catch(() => undefined)
        }
      }
      await pause(lookEveryMs)
      const done = await look()
      if (done !== undefined) return done
    }
    return work()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    unref(setTimeout(resolve, ms))
  })
}
