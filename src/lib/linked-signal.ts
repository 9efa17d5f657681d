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
  const released = new AbortController()
  const release = (): void => {
    released.abort()
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
    if (source?.aborted) abort(source.reason)
    source?.addEventListener('abort', () => abort(source.reason), { once: true, signal: released.signal })
  }
  return { signal: controller.signal, release }
}
