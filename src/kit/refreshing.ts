import { backOffDelayMs, scatteredMs } from './back-off.js'
import type { Clock } from './clock.js'
import { createSingleFlight } from './single-flight.js'
import { unref } from './time-limit.js'

/** What one successful load brought. */
export interface Loaded<T> {
  readonly value: T
  /** How long it is good for, counted from the start of the load. */
  readonly lifetimeMs: number
}

/** How a value is kept fresh. Times are milliseconds. */
export interface RefreshingOptions<T> {
  /** Fetches the value anew; `previous` is the one held. Called once at a time. */
  load(previous: T | undefined): Promise<Loaded<T>>
  /** Called when a load failed. `isStale` tells whether the value held goes on serving. */
  onFailure(error: unknown, isStale: boolean): void
  /** A delay that `error` itself demands before the next load, instead of the back-off. */
  retryAfterMs(error: unknown): number | undefined
  readonly clock: Clock
  readonly random: () => number
  /**
   * How long before expiry a background load starts at the latest; at most half the lifetime. It starts at a random moment of
   * the half of the time before that.
   */
  readonly refreshAheadMs: number
  /** How long past expiry the value serves while loads fail or hang. */
  readonly staleIfErrorMs: number
}

/** A load that failed, and when the next one may start. */
export interface LoadFailure {
  readonly error: unknown
  readonly count: number
  readonly atMs: number
  readonly retryAtMs: number
}

/** The value held, and the times that govern it. */
export interface Held<T> {
  readonly value: T
  readonly fetchedAtMs: number
  readonly refreshAtMs: number
  readonly expiresAtMs: number
  readonly staleUntilMs: number
}

/**
 * A value that is fetched, kept, refreshed ahead of its expiry and kept on for a bounded time while refreshes fail.
 * There are no timers: use drives it.
 */
export interface Refreshing<T> {
  /**
   * The value, while it may be used: until it expires, and within the stale window while loads fail, or while one has
   * been under way for 500 ms. Starts a load in the background when one is due. Never waits.
   */
  usable(nowMs: number): T | undefined
  /** Whether {@link Refreshing.usable} would give the value, which it starts a load for as well. */
  isServing(nowMs: number): boolean
  /** Loads now: joins a load under way, does nothing while backing off. Never rejects: see {@link Refreshing.failure}. */
  refresh(nowMs: number): Promise<void>
  /**
   * Loads as {@link Refreshing.refresh} does, but waits only until the load has been under way for 500 ms where the value
   * held may serve meanwhile. Tells whether the load is over.
   */
  refreshSoon(nowMs: number): Promise<boolean>
  /** Whether a load is under way. */
  isLoading(): boolean
  /** Makes a load due at once, back-off or not. The value held serves on as before. */
  invalidate(): void
  held(): Held<T> | undefined
  /** The last failure; `undefined` after a success. */
  failure(): LoadFailure | undefined
  /** How long until the next load may start; 0 when it may. */
  backOffMs(nowMs: number): number
  /** Whether the value is neither due nor past its time. */
  isFresh(nowMs: number): boolean
}

const flightKey = 'load'
/** How long a load may keep anyone waiting who could do with the value held. */
const patienceMs = 500
const backOff = { initialDelayMs: 1000, maxDelayMs: 30_000 }

/** See {@link Refreshing}. */
export function createRefreshing<T>(options: RefreshingOptions<T>): Refreshing<T> {
  const flights = createSingleFlight<void>()
  let held: Held<T> | undefined
  let failure: LoadFailure | undefined
  let invalidations = 0
  let isHanging = false
  let patience: Promise<false> = Promise.resolve(false)
  let patienceTimer: ReturnType<typeof setTimeout> | undefined

  const isUsable = (nowMs: number): boolean =>
    held !== undefined && nowMs < (failure === undefined && !isHanging ? held.expiresAtMs : held.staleUntilMs)

  // A clock set back must not make a value fresh, nor a back-off long, for as far as it was set back.
  const isFresh = (nowMs: number): boolean =>
    held !== undefined && nowMs < held.refreshAtMs && nowMs >= held.fetchedAtMs

  const backOffMs = (nowMs: number): number =>
    failure === undefined || nowMs < failure.atMs ? 0 : Math.max(0, failure.retryAtMs - nowMs)

  async function load(): Promise<void> {
    const startedAtMs = options.clock()
    const invalidationsAtStart = invalidations
    try {
      const loaded = await options.load(held?.value)
      held = hold(loaded, startedAtMs, options)
      failure = undefined
      if (invalidations !== invalidationsAtStart) makeDue()
    } catch (error) {
      const atMs = options.clock()
      const count = (failure?.count ?? 0) + 1
      const delayMs = options.retryAfterMs(error) ?? backOffDelayMs(count, backOff, options.random)
      failure = { error, count, atMs, retryAtMs: atMs + delayMs }
      options.onFailure(error, isUsable(atMs))
    } finally {
      clearTimeout(patienceTimer)
      isHanging = false
    }
  }

  function loadOrJoin(): Promise<void> {
    if (!isLoading()) {
      patience = new Promise((resolve) => {
        patienceTimer = setTimeout(() => {
          isHanging = true
          resolve(false)
        }, patienceMs)
        unref(patienceTimer)
      })
    }
    return flights.run(flightKey, load)
  }

  const isLoading = (): boolean => flights.current(flightKey) !== undefined

  async function refresh(nowMs: number): Promise<void> {
    if (isLoading() || backOffMs(nowMs) === 0) await loadOrJoin()
  }

  async function refreshSoon(nowMs: number): Promise<boolean> {
    const over = refresh(nowMs).then(() => true)
    const mayServe = held !== undefined && nowMs < held.staleUntilMs
    return mayServe && isLoading() ? Promise.race([over, patience]) : over
  }

  function makeDue(): void {
    if (held !== undefined) held = { ...held, refreshAtMs: held.fetchedAtMs }
    if (failure !== undefined) failure = { ...failure, retryAtMs: Number.NEGATIVE_INFINITY }
  }

  function isServing(nowMs: number): boolean {
    if (!isUsable(nowMs)) return false
    if (!isFresh(nowMs) && !isLoading()) void refresh(nowMs)
    return true
  }

  return {
    usable: (nowMs) => (isServing(nowMs) ? held?.value : undefined),
    isServing,
    refresh,
    refreshSoon,
    isLoading,
    invalidate() {
      invalidations += 1
      makeDue()
    },
    held: () => held,
    failure: () => failure,
    backOffMs,
    isFresh,
  }
}

function hold<T>({ value, lifetimeMs }: Loaded<T>, fetchedAtMs: number, options: RefreshingOptions<T>): Held<T> {
  const expiresAtMs = fetchedAtMs + lifetimeMs
  const latestMs = lifetimeMs - Math.min(options.refreshAheadMs, lifetimeMs / 2)
  return {
    value,
    fetchedAtMs,
    refreshAtMs: fetchedAtMs + scatteredMs(latestMs, options.random),
    expiresAtMs,
    staleUntilMs: expiresAtMs + options.staleIfErrorMs,
  }
}

const maxAge = /(?:^|,)\s*max-age\s*=\s*"?(\d+)/i
const uncacheable = /(?:^|,)\s*(?:no-store|no-cache)\s*(?:,|=|$)/i

/** The bounds of a lifetime, in seconds. */
export interface LifetimeBounds {
  readonly minSeconds: number
  readonly maxSeconds: number
  /** Where the answer says nothing. Clamped like the rest. */
  readonly defaultSeconds: number
}

/**
 * How long an answer stays fresh, in milliseconds: `max-age` of `Cache-Control` less `Age` (RFC 9111 §4.2), clamped to
 * the bounds. `no-store` and `no-cache` give the least. Other directives, `Expires` and `Vary` are not looked at.
 */
export function cacheLifetimeMs(headers: Headers, bounds: LifetimeBounds): number {
  const seconds = statedSeconds(headers) ?? bounds.defaultSeconds
  return Math.min(bounds.maxSeconds, Math.max(bounds.minSeconds, seconds)) * 1000
}

function statedSeconds(headers: Headers): number | undefined {
  const cacheControl = headers.get('cache-control') ?? ''
  if (uncacheable.test(cacheControl)) return 0
  const seconds = maxAge.exec(cacheControl)?.[1]
  if (seconds === undefined) return undefined
  const age = headers.get('age') ?? ''
  return Number(seconds) - (/^\d+$/.test(age) ? Number(age) : 0)
}
