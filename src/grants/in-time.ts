import type { MaybePromise } from '../kit/maybe-promise.js'
import { inTime } from '../kit/time-limit.js'
import type { GrantStore, LockStore } from '../stores/contract.js'

/** A store of the application's, that fails rather than keep a request waiting for more than 5 s. */
export function storeInTime(store: GrantStore): GrantStore {
  return {
    get: (key) => patient(store.get(key)),
    set: (key, grant, ttlMs) => patient(store.set(key, grant, ttlMs)),
    delete: (key) => patient(store.delete(key)),
  }
}

/** As {@link storeInTime}. A lease that comes too late ends by itself when its time is over. */
export function lockInTime(lock: LockStore): LockStore {
  return {
    async acquire(key, ttlMs) {
      const lease = await patient(lock.acquire(key, ttlMs))
      if (lease === undefined) return undefined
      return {
        extend: async (longerMs) => patient(lease.extend(longerMs)),
        release: async () => patient(lease.release()),
      }
    },
  }
}

/** An answer that is there needs no time limit. */
function patient<T>(answer: MaybePromise<T>): MaybePromise<T> {
  return answer instanceof Promise ? inTime(() => answer) : answer
}
