import { UnavailableError } from '../errors/index.js'
import { emit } from '../events.js'
import type { SignatureAlgorithm } from '../lib/algorithms.js'
import type { MaybePromise } from '../lib/maybe-promise.js'
import { createRefreshing, type Refreshing } from '../lib/refreshing.js'
import { createTokenBucket } from '../lib/token-bucket.js'
import type { Surroundings } from '../options/resolved.js'
import type { KeyCacheOptions } from '../options/types.js'
import type { KeySource, KeySourceHealth, VerificationKey } from './contract.js'
import type { Discovery } from './discovery.js'
import { reasonOf } from './failure-reason.js'
import type { KeyTable } from './key-table.js'
import { loadKeys } from './load-keys.js'

/** Whose keys, from where, kept how. */
export interface KeySetSettings {
  readonly issuer: string
  /** The configured URL of the key set, or the discovery that finds it. */
  readonly jwksUri: string | Discovery
  /** Checked before; what is left out gets its default here. */
  readonly options: KeyCacheOptions
  readonly surroundings: Surroundings
  /** Numbers from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined
}

/** After asking for one unknown `kid`, how long another one waits its turn. */
const pauseMs = 1000
const unknownKidBudget = { capacity: 3, refillIntervalMs: 10_000 }
const none: readonly VerificationKey[] = []

/**
 * The keys an issuer publishes, fetched when first needed and kept fresh by use alone, without timers.
 *
 * - Known keys answer synchronously: while fresh, while a refresh runs in the background (ahead of expiry), and for
 *   `staleIfErrorSeconds` past expiry while refreshes fail. Only a set that expired unused makes one request wait.
 * - An unknown `kid` asks the issuer again, at most once a second and at a budget of 3 times and once more
 *   every 10 s. Concurrent requests share one fetch. Out of budget the answer is no key; when the issuer cannot be
 *   asked, it is an error, for the key may well exist.
 * - Keys without `kid` are found by type alone, so that nobody notices before the next refresh when one replaces
 *   another.
 */
export function createKeySet({
  issuer,
  jwksUri,
  options,
  surroundings,
  random = Math.random,
}: KeySetSettings): KeySource {
  const { clock, onEvent } = surroundings
  const { defaultMaxAgeSeconds = 3600, timeoutMs = 5000 } = options
  const bucket = createTokenBucket(unknownKidBudget)
  let askedAtMs = Number.NEGATIVE_INFINITY
  const keys = createRefreshing<KeyTable>({
    load: (previous) => loadKeys({ issuer, jwksUri, surroundings, timeoutMs, defaultMaxAgeSeconds }, previous),
    onFailure: (error, stale) => emit(onEvent, { type: 'keys.failed', issuer, reason: reasonOf(error), stale }),
    retryAfterMs: (error) => (error instanceof UnavailableError ? error.retryAfterSeconds * 1000 : undefined),
    clock,
    random,
    refreshAheadMs: (options.refreshAheadSeconds ?? 300) * 1000,
    staleIfErrorMs: (options.staleIfErrorSeconds ?? 3600) * 1000,
  })

  /** For a key that is not in the set held, or when no set may be used. */
  async function findAfresh(
    kid: string | undefined,
    algorithm: SignatureAlgorithm,
  ): Promise<readonly VerificationKey[]> {
    await keys.refresh(clock())
    const nowMs = clock()
    const table = keys.usable(nowMs)
    if (table === undefined) throw unavailable(keys, nowMs)
    const candidates = table.candidates(kid, algorithm)
    if (candidates.length === 0 && keys.failure() !== undefined) throw unavailable(keys, nowMs)
    return candidates
  }

  /** Whether to ask for a key that is not in the set held; also true where asking ends in the error it should. */
  function mayAskAgain(nowMs: number): boolean {
    if (keys.isLoading() || keys.backOffMs(nowMs) > 0) return true
    const sinceMs = nowMs - askedAtMs
    if ((sinceMs >= 0 && sinceMs < pauseMs) || !bucket.take(nowMs)) return false
    askedAtMs = nowMs
    return true
  }

  return {
    find(kid, algorithm): MaybePromise<readonly VerificationKey[]> {
      const nowMs = clock()
      const table = keys.usable(nowMs)
      if (table === undefined) return findAfresh(kid, algorithm)
      const candidates = table.candidates(kid, algorithm)
      if (candidates.length > 0) return candidates
      return mayAskAgain(nowMs) ? findAfresh(kid, algorithm) : none
    },
    isServing: (nowMs) => keys.usable(nowMs) !== undefined,
    async warmUp() {
      if (!keys.isFresh(clock())) await keys.refresh(clock())
      const nowMs = clock()
      if (keys.usable(nowMs) === undefined) throw unavailable(keys, nowMs)
    },
    invalidate() {
      keys.invalidate()
      if (typeof jwksUri !== 'string') jwksUri.invalidate()
    },
    health: () => healthOf(keys, clock()),
  }
}

function unavailable(keys: Refreshing<KeyTable>, nowMs: number): UnavailableError {
  const error = keys.failure()?.error
  const code = error instanceof UnavailableError ? 'ERR_DISCOVERY_UNAVAILABLE' : 'ERR_KEYS_UNAVAILABLE'
  const retryAfterSeconds = keys.backOffMs(nowMs) / 1000
  return new UnavailableError(code, { detail: reasonOf(error), cause: error, retryAfterSeconds })
}

function healthOf(keys: Refreshing<KeyTable>, nowMs: number): KeySourceHealth {
  const held = keys.held()
  const failure = keys.failure()
  return {
    state: stateOf(keys, nowMs),
    keys: held?.value.keys.length ?? 0,
    fetchedAtMs: held?.fetchedAtMs,
    expiresAtMs: held?.expiresAtMs,
    lastFailure: failure === undefined ? undefined : reasonOf(failure.error),
  }
}

/** A set that expired without use is `due`, however long ago: nothing is known to be wrong. */
function stateOf(keys: Refreshing<KeyTable>, nowMs: number): KeySourceHealth['state'] {
  const held = keys.held()
  if (held === undefined) return 'empty'
  if (keys.isFresh(nowMs)) return 'fresh'
  if (nowMs < held.expiresAtMs || keys.failure() === undefined) return 'due'
  return nowMs < held.staleUntilMs ? 'stale' : 'expired'
}
