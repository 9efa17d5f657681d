import { TokenStoreError } from '../errors/index.js'
import type { Clock } from '../kit/clock.js'
import { pause } from '../kit/time-limit.js'
import type { LockStore, TokenLifetime, TokenStore, TokenStoreDescription } from './contract.js'
import {
  answer,
  checkTokenEntry,
  checkTokenKey,
  endOfLife,
  isOver,
  readEnvelope,
  storeFailure,
  type TokenEnvelope,
  unlessDamaged,
  writeEnvelope,
} from './token-entry.js'

/** Keeps one text per key, whole or not at all. Has no compare-and-swap: a lock around it makes one. */
export interface TextBackend {
  read(key: string): Promise<string | undefined>
  /** `confirm` rejects once the lock is lost: awaited right before the step that makes the new text the kept one. */
  write(key: string, text: string, confirm: () => Promise<void>): Promise<void>
  /** False when there was nothing. Removes damaged texts too. */
  remove(key: string): Promise<boolean>
  /** Every text there is. Damaged ones may be left out. */
  texts(): AsyncIterable<string>
}

/** Over what the work may take. */
const spareLeaseMs = 30_000
const longestWaitMs = 15_000
const longestPauseMs = 50

/**
 * Makes a {@link TokenStore} of a backend and a lock that all of its processes share.
 *
 * @param workMs - how long the backend may take for one entry, by limits of its own. The lease is longer.
 */
export function createLockedTokenStore(
  backend: TextBackend,
  lock: LockStore,
  clock: Clock,
  description: TokenStoreDescription,
  workMs = 0,
): TokenStore {
  const exclusively = createQueue(lock, workMs)
  const described = Object.freeze({ ...description, timeoutMs: longestWaitMs + workMs })

  async function find(key: string): Promise<TokenEnvelope | undefined> {
    const text = await backend.read(key)
    const envelope = text === undefined ? undefined : readEnvelope(text, key)
    return envelope === undefined || isOver(envelope, clock()) ? undefined : envelope
  }

  const answerFor = <T>(key: string, work: () => Promise<T>) =>
    answer(async () => {
      checkTokenKey(key)
      return work()
    })

  const textOf = (key: string, entry: TokenEnvelope['entry'], lifetime: TokenLifetime | undefined) =>
    writeEnvelope({ key, entry, expiresAtMs: endOfLife(lifetime, clock()) })

  return Object.freeze<TokenStore>({
    get: (key) => answerFor(key, async () => (await find(key))?.entry),
    set: (key, entry, lifetime) =>
      answerFor(key, async () => {
        checkTokenEntry(entry)
        const text = textOf(key, entry, lifetime)
        await exclusively(key, (confirm) => backend.write(key, text, confirm))
      }),
    replace: (key, expectedVersion, next, lifetime) =>
      answerFor(key, async () => {
        if (next !== undefined) checkTokenEntry(next)
        return exclusively(key, async (confirm) => {
          if ((await find(key))?.entry.version !== expectedVersion) return false
          if (next !== undefined) await backend.write(key, textOf(key, next, lifetime), confirm)
          else if (expectedVersion !== undefined) await confirm().then(() => backend.remove(key))
          return true
        })
      }),
    delete: (key) => answerFor(key, () => exclusively(key, () => backend.remove(key))),
    has: (key) => answerFor(key, async () => (await unlessDamaged(find(key), 'damaged')) !== undefined),
    async *keys(prefix = '') {
      try {
        for await (const text of backend.texts()) {
          const envelope = await unlessDamaged((async () => readEnvelope(text))())
          if (envelope?.key.startsWith(prefix) && !isOver(envelope, clock())) yield envelope.key
        }
      } catch (error) {
        throw storeFailure(error)
      }
    },
    describe: () => described,
  })
}

/** Makes {@link underLock} for many at once: within this process first come, first served. */
export function createQueue(lock: LockStore, workMs: number) {
  const leaseMs = workMs + spareLeaseMs
  const last = new Map<string, Promise<unknown>>()
  return <T>(key: string, work: (confirm: () => Promise<void>) => Promise<T>): Promise<T> => {
    const before = last.get(key) ?? Promise.resolve()
    const mine = before.then(() => underLock(lock, leaseMs, key, work))
    const settled = mine.catch(() => undefined)
    last.set(key, settled)
    void settled.then(() => last.get(key) === settled && last.delete(key))
    return mine
  }
}

/**
 * Does `work` while no other process that shares the lock does any for `key`. `confirm` extends the lease, and rejects once it
 * is lost.
 *
 * @throws {@link TokenStoreError} `ERR_TOKEN_STORE_LOCKED` when the lock could not be had in 15 s.
 */
async function underLock<T>(
  lock: LockStore,
  leaseMs: number,
  key: string,
  work: (confirm: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const startedAtMs = performance.now()
  while (performance.now() - startedAtMs < longestWaitMs) {
    const lease = await lock.acquire(key, leaseMs)
    if (lease === undefined) {
      await pause(Math.random() * longestPauseMs)
      continue
    }
    try {
      return await work(async () => {
        if (!(await lease.extend(leaseMs))) throw locked('The hold on the entry was lost before it was written.')
      })
    } finally {
      await lease.release().catch(() => undefined)
    }
  }
  throw locked('Another process keeps the entry for itself.')
}

function locked(detail: string): TokenStoreError {
  return new TokenStoreError('ERR_TOKEN_STORE_LOCKED', detail)
}
