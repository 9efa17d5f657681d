import { UnavailableError } from '../errors/index.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import type { VerificationKey } from '../jws/verification-key.js'
import { monotonicClock } from '../kit/clock.js'
import { emit, traced } from '../kit/event-sink.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import type { KeysTrigger } from '../kit/issuer-events.js'
import { integer, members } from '../kit/options.js'
import { createRefreshing, type Loaded, type Refreshing } from '../kit/refreshing.js'
import type { Surroundings } from '../kit/surroundings.js'
import { createTokenBucket } from '../kit/token-bucket.js'
import { type Discovery, reasonOf } from './discovery.js'
import type { KeySource, KeySourceHealth } from './key-source.js'
import type { KeySettings, KeyTable } from './key-table.js'
import { loadKeys } from './load-keys.js'

/** Settings of the keys cache. @group Resource server */
export interface KeyCacheOptions {
  /** Lifetime when the answer has no `Cache-Control: max-age`. Default 3600, clamped like it to 60 … 86,400. */
  readonly defaultMaxAgeSeconds?: number | undefined
  /**
   * How long before expiry a background refresh starts at the latest: at a random moment of the half of the time before
   * that, so that the processes of a fleet do not all come at once. Default 300.
   */
  readonly refreshAheadSeconds?: number | undefined
  /** How long known keys go on serving past expiry while refreshes fail. 0 to 3600, default 3600. */
  readonly staleIfErrorSeconds?: number | undefined
  /** Timeout of one fetch, body included. Default 5000. */
  readonly timeoutMs?: number | undefined
}

/** Whose keys, from where, kept how. */
export interface RemoteKeysSettings {
  readonly issuer: string
  /** The configured URL of the key set, or the discovery that finds it. */
  readonly jwksUri: string | Discovery
  /** Checked before; what is left out gets its default here. */
  readonly options: KeyCacheOptions
  /** Default: every signature key. */
  readonly rules?: KeySettings | undefined
  readonly surroundings: Surroundings
  /** Numbers from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined
}

/** Checks the options of a key cache. */
export const keyCacheRule = members<KeyCacheOptions>({
  defaultMaxAgeSeconds: integer(60, 86_400),
  refreshAheadSeconds: integer(0, 43_200),
  staleIfErrorSeconds: integer(0, 3600),
  timeoutMs: integer(1, 60_000),
})

/** Fills in the defaults of a key cache, whose options were checked by {@link keyCacheRule}. */
export function toKeyCacheSettings(options: KeyCacheOptions = {}): Required<KeyCacheOptions> {
  return {
    defaultMaxAgeSeconds: options.defaultMaxAgeSeconds ?? 3600,
    refreshAheadSeconds: options.refreshAheadSeconds ?? 300,
    staleIfErrorSeconds: options.staleIfErrorSeconds ?? 3600,
    timeoutMs: options.timeoutMs ?? 5000,
  }
}

const unknownKidBudget = { capacity: 3, refillIntervalMs: 10_000 }

/**
 * The keys an issuer publishes, fetched when first needed and kept fresh only by use, without timers.
 *
 * - Known keys answer synchronously: while fresh, while a refresh runs in the background (ahead of expiry), and for
 *   `staleIfErrorSeconds` past expiry while refreshes fail or hang. A set that expired unused makes a request wait for
 *   500 ms at most, unless it is past that bound.
 * - An unknown `kid`, and a signature that none of the known keys made, ask the issuer again at a budget of 3 times and
 *   once more every 10 s. Concurrent requests share one fetch. An unknown `kid` out of budget, or when the issuer cannot
 *   be asked, is an error: the key may well exist.
 */
export function createRemoteKeys({
  issuer,
  jwksUri,
  options,
  rules,
  surroundings,
  random = Math.random,
}: RemoteKeysSettings): KeySource {
  const { clock, onEvent } = surroundings
  const { defaultMaxAgeSeconds = 3600, timeoutMs = 5000 } = options
  const bucket = createTokenBucket(unknownKidBudget)
  let trigger: KeysTrigger = 'first'
  let startedMs = 0
  let isInvalidated = false
  let offsetMs: number | undefined
  let unasked = 0
  let unaskedToldMs = Number.NEGATIVE_INFINITY
  const keys = createRefreshing<KeyTable>({
    load,
    onFailure(error, stale) {
      const retryInMs = keys.backOffMs(clock())
      emit(onEvent, { type: 'keys.failed', issuer, reason: reasonOf(error), stale, ...loadSoFar(), retryInMs })
    },
    retryAfterMs: demandedPauseMs,
    clock,
    random,
    refreshAheadMs: (options.refreshAheadSeconds ?? 300) * 1000,
    staleIfErrorMs: (options.staleIfErrorSeconds ?? 3600) * 1000,
  })

  function isBackground(): boolean {
    const held = keys.held()
    return trigger !== 'unknown_key' && held !== undefined && clock() < held.expiresAtMs
  }

  function loadSoFar() {
    return { trigger, durationMs: Math.max(0, monotonicClock() - startedMs) }
  }

  async function load(previous: KeyTable | undefined): Promise<Loaded<KeyTable>> {
    if (previous === undefined) trigger = 'first'
    else if (isInvalidated) trigger = 'invalidated'
    else trigger = keys.isFresh(clock()) ? 'unknown_key' : 'due'
    isInvalidated = false
    startedMs = monotonicClock()
    const settings = { issuer, jwksUri, rules, surroundings, timeoutMs, defaultMaxAgeSeconds }
    const loaded = await traced(onEvent, { operation: 'keys', issuer, isBackground: isBackground() }, () =>
      loadKeys(settings, previous),
    )
    const { value, lifetimeMs, ...told } = loaded
    const failuresBefore = keys.failure()?.count ?? 0
    const about = { keys: value.keys.length, ...told, lifetimeSeconds: lifetimeMs / 1000, failuresBefore }
    offsetMs = told.clockOffsetMs
    emit(onEvent, { type: 'keys.refreshed', issuer, ...about, ...loadSoFar() })
    return { value, lifetimeMs }
  }

  /** Anybody may invent names: those that are not asked for are told of together, once a second. */
  function tellUnknown(asked: boolean, nowMs: number): void {
    if (!asked) unasked += 1
    if (!asked && nowMs - unaskedToldMs < 1000 && nowMs >= unaskedToldMs) return
    emit(onEvent, { type: 'keys.unknown', issuer, asked, count: asked ? 1 : unasked })
    if (asked) return
    unaskedToldMs = nowMs
    unasked = 0
  }

  /** For a key that is not in the set held, or when no set may be used. */
  async function findAfresh(
    kid: string | undefined,
    algorithm: SignatureAlgorithm | undefined,
  ): Promise<readonly VerificationKey[]> {
    const isOver = await keys.refreshSoon(clock())
    const nowMs = clock()
    const table = keys.usable(nowMs)
    if (table === undefined) throw unavailable(keys, nowMs)
    const candidates = table.candidates(kid, algorithm)
    if (candidates.length === 0 && (!isOver || keys.failure() !== undefined)) throw unavailable(keys, nowMs)
    return candidates
  }

  /** Whether to ask for a key that is not in the set held; also true where asking ends in the error it should. */
  function mayAskAgain(nowMs: number): boolean {
    return keys.isLoading() || keys.backOffMs(nowMs) > 0 || bucket.take(nowMs)
  }

  return {
    find(kid, algorithm) {
      const nowMs = clock()
      const table = keys.usable(nowMs)
      if (table === undefined) return findAfresh(kid, algorithm)
      const candidates = table.candidates(kid, algorithm)
      if (candidates.length > 0) return candidates
      const isAsked = mayAskAgain(nowMs)
      if (!table.hasName(kid)) tellUnknown(isAsked, nowMs)
      if (isAsked) return findAfresh(kid, algorithm)
      return table.hasName(kid) ? candidates : Promise.reject(outOfBudget(bucket.waitMs(nowMs)))
    },
    async findOthers(kid, algorithm, tried) {
      const nowMs = clock()
      if (mayAskAgain(nowMs)) await keys.refreshSoon(nowMs)
      const candidates = keys.usable(clock())?.candidates(kid, algorithm) ?? []
      return candidates.filter((key) => !tried.includes(key))
    },
    isServing: keys.isServing,
    async warmUp() {
      if (!keys.isFresh(clock())) await keys.refresh(clock())
      const nowMs = clock()
      if (keys.usable(nowMs) === undefined) throw unavailable(keys, nowMs)
    },
    invalidate() {
      isInvalidated = true
      keys.invalidate()
      if (typeof jwksUri !== 'string') jwksUri.invalidate()
    },
    health: () => healthOf(keys, offsetMs, clock()),
    held: () => keys.held()?.value.keys ?? [],
  }
}

function demandedPauseMs(error: unknown): number | undefined {
  if (error instanceof FetchFailure) return error.retryAfterMs
  return error instanceof UnavailableError ? error.retryAfterSeconds * 1000 : undefined
}

function outOfBudget(waitMs: number): UnavailableError {
  const detail = 'unknown kid, and the issuer was asked too often'
  return new UnavailableError('ERR_KEYS_UNAVAILABLE', { detail, retryAfterSeconds: waitMs / 1000 })
}

function unavailable(keys: Refreshing<KeyTable>, nowMs: number): UnavailableError {
  const error = keys.failure()?.error
  const code = error instanceof UnavailableError ? 'ERR_ISSUER_UNAVAILABLE' : 'ERR_KEYS_UNAVAILABLE'
  const retryAfterSeconds = keys.backOffMs(nowMs) / 1000
  const detail = error === undefined ? 'timeout' : reasonOf(error)
  return new UnavailableError(code, { detail, cause: error, retryAfterSeconds })
}

function healthOf(keys: Refreshing<KeyTable>, clockOffsetMs: number | undefined, nowMs: number): KeySourceHealth {
  const held = keys.held()
  const failure = keys.failure()
  return {
    state: stateOf(keys, nowMs),
    keys: held?.value.keys.length ?? 0,
    fetchedAtMs: held?.fetchedAtMs,
    refreshAtMs: held?.refreshAtMs,
    expiresAtMs: held?.expiresAtMs,
    staleUntilMs: held?.staleUntilMs,
    lastFailure: failure === undefined ? undefined : reasonOf(failure.error),
    clockOffsetMs,
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
