/*
 * The one mechanism of time limits: signals that end after a time or with another signal, and a race that waits no
 * longer than they do. Retries and circuits are cockatiel's; its timeout is not used, for it does not say who gave up.
 *
 * `AbortSignal.any` and `AbortSignal.timeout` do not serve here: several releases of Node collect a source that nothing
 * else holds, and then the abort never comes (nodejs/node#57736; nodejs/node#65995, seen from 24.16.0 to 26.8.2).
 */
import { FetchFailure } from './fetch/fetch-failure.js'
import type { MaybePromise } from './maybe-promise.js'

/** What a time limit follows; absent ones are passed over. */
export type SignalSources = readonly (AbortSignal | null | undefined)[]

/** A signal that follows others, until it is let go. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  /** Follows no longer, and stops the time. */
  readonly release: () => void
}

/**
 * Runs `work` for at most `limitMs` milliseconds of real time, and no longer than until the first of `sources` aborts.
 * The signal given to `work` aborts then, and when `work` fails. The result does not wait for work that ignores the
 * signal. Where a source is aborted already, `work` is not started.
 *
 * @throws {@link FetchFailure} `timeout` when the time is up, ours or that of a source; the reason of a source that
 * aborted for any other reason; or what `work` rejects with.
 */
export async function withTimeLimit<T>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  sources: SignalSources = [],
): Promise<T> {
  let giveUp: Abort | undefined
  const over = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  const { controller, release } = createLink(sources, limitMs, giveUp)
  const { signal } = controller
  try {
    return await (signal.aborted ? over : Promise.race([work(signal), over]))
  } catch (error) {
    if (isTimeLimit(signal)) throw new FetchFailure('timeout')
    controller.abort(error)
    throw error
  } finally {
    release()
  }
}

/**
 * Runs `work` until `signal` aborts, and rejects with its reason then, also where `work` ignores it. Starts nothing where
 * it is aborted already.
 */
export async function untilAborted<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (signal.aborted) throw signal.reason
  // It listens before the work can: the end is told before what the work makes of it.
  const over = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([work(signal), over])
}

const patienceMs = 5000

/** A timer for longer than this ends at once. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Runs what the application supplied, a store or a function, for at most 5 s: a silent one must not hold requests up. It is
 * given no signal, so none is made: this stands on the way of requests.
 *
 * @throws {@link FetchFailure} `timeout`, or what `work` throws or rejects with. Always as a rejection.
 */
export async function inTime<T>(work: () => T | PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new FetchFailure('timeout')), patienceMs)
    unref(timer)
  })
  try {
    return await Promise.race([work(), over])
  } finally {
    clearTimeout(timer)
  }
}

/** As {@link inTime}, for an answer of a store: one that is there already needs no time limit. */
export function inPatience<T>(answer: MaybePromise<T>): MaybePromise<T> {
  return answer instanceof Promise ? inTime(() => answer) : answer
}

/** A signal that aborts with the first of `sources`, for its reason, or after `limitMs` with a `TimeoutError`. */
export function linkSignals(sources: SignalSources, limitMs: number): LinkedSignal {
  const { controller, release } = createLink(sources, limitMs)
  return { signal: controller.signal, release }
}

/** Whether the time is up, and no one gave up for another reason: what `AbortSignal.timeout` says, and we do. */
export function isTimeLimit({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}

/**
 * Waits, and keeps the process alive meanwhile: for pauses of work that a caller waits for. Rejects with the reason of
 * `signal` once it aborts.
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        unfollow?.()
        resolve()
      },
      Math.min(ms, longestTimerMs),
    )
    const unfollow =
      signal &&
      follow(signal, (reason) => {
        clearTimeout(timer)
        reject(reason)
      })
  })
}

/** Lets the process end although the timer still runs. Timers are numbers in browsers and on Workers: these pass. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref()
  }
}

type Abort = (reason: unknown) => void

interface Link {
  readonly controller: AbortController
  readonly release: () => void
}

/** @param tell - is told before whoever listens to the signal. */
function createLink(sources: SignalSources, limitMs: number, tell?: Abort): Link {
  const controller = new AbortController()
  const links: (() => void)[] = []
  const release = (): void => {
    for (const unlink of links.splice(0)) unlink()
    clearTimeout(timer)
  }
  const abort: Abort = (reason) => {
    release()
    tell?.(reason)
    controller.abort(reason)
  }
  // Node keeps a list of timers for each length of time: parts of a millisecond would make one for each timer.
  const timeIsUp = (): void => abort(new DOMException('The time is up', 'TimeoutError'))
  const timer = setTimeout(timeIsUp, Math.min(Math.ceil(limitMs), longestTimerMs))
  unref(timer)
  for (const source of sources) {
    if (source?.aborted) {
      abort(source.reason)
      break
    }
    if (source) links.push(follow(source, abort))
  }
  return { controller, release }
}

/** Those who follow one signal, by a single listener. */
interface Following {
  readonly aborts: Set<Abort>
  readonly stop: () => void
}

/** Node warns of a leak from the eleventh listener on, and the calls that follow one signal may be thousands. */
const followings = new WeakMap<AbortSignal, Following>()

function follow(source: AbortSignal, abort: Abort): () => void {
  const { aborts, stop } = followings.get(source) ?? startFollowing(source)
  aborts.add(abort)
  return () => {
    aborts.delete(abort)
    if (aborts.size === 0) stop()
  }
}

function startFollowing(source: AbortSignal): Following {
  const aborts = new Set<Abort>()
  const tell = (): void => {
    for (const abort of [...aborts]) abort(source.reason)
  }
  const stop = (): void => {
    followings.delete(source)
    source.removeEventListener('abort', tell)
  }
  source.addEventListener('abort', tell, { once: true })
  const following = { aborts, stop }
  followings.set(source, following)
  return following
}
