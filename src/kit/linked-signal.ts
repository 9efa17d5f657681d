import { unref } from './unref.js'

/** A signal that follows others, until it is let go. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  /** Follows no longer, and stops the time. */
  readonly release: () => void
}

/**
 * A signal that aborts with the first of `sources`, for its reason, or after `timeoutMs` with a `TimeoutError`.
 * `AbortSignal.any` and `AbortSignal.timeout` do not serve here: several releases of Node collect a source that nothing
 * else holds, and then the abort never comes.
 */
export function linkSignals(sources: readonly (AbortSignal | null | undefined)[], timeoutMs?: number): LinkedSignal {
  const controller = new AbortController()
  const links: (() => void)[] = []
  const release = (): void => {
    for (const unlink of links.splice(0)) unlink()
    clearTimeout(timer)
  }
  const abort = (reason: unknown): void => {
    release()
    controller.abort(reason)
  }
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => abort(new DOMException('The time is up', 'TimeoutError')), timeoutMs)
  unref(timer)
  for (const source of sources) {
    if (source?.aborted) {
      abort(source.reason)
      break
    }
    if (source) links.push(follow(source, abort))
  }
  return { signal: controller.signal, release }
}

type Abort = (reason: unknown) => void

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

/** Whether the time is up, rather than somebody gave up: the reason `AbortSignal.timeout` gives. */
export function isTimeLimit({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}
