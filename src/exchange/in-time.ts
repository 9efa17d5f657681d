import { withDeadline } from '../lib/deadline.js'
import type { MaybePromise } from '../lib/maybe-promise.js'
import type { GrantStore, LockStore } from '../stores/contract.js'

const storeTimeoutMs = 5000

/** A store of the application's, that fails rather than keep a request waiting for more than 5 s. */
export function storeInTime(store: GrantStore): GrantStore {
  return {
    get: (key) => inTime(store.get(key)),
    set: (key, grant, ttlMs) => inTime(store.set(key, grant, ttlMs)),
    delete: (key) => inTime(store.delete(key)),
  }
}

/** As {@link storeInTime}. A lock that comes too late frees itself when its time is over. */
export function lockInTime(lock: LockStore): LockStore {
  return {
    async acquire(key, ttlMs) {
      const release = await inTime(lock.acquire(key, ttlMs))
      return release && (async () => inTime(release()))
    },
  }
}

function inTime<T>(answer: MaybePromise<T>): MaybePromise<T> {
  return answer instanceof Promise ? withDeadline(storeTimeoutMs, () => answer) : answer
}
