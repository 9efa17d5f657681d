import { FetchFailure } from './fetch/fetch-failure.js'
import { unref } from './unref.js'

/**
 * Runs `work` for at most `timeoutMs` milliseconds of real time. The signal is aborted when time is up, with a
 * `TimeoutError`, and when `work` fails; the result does not wait for work that ignores the signal.
 *
 * @throws {@link FetchFailure} `timeout`, or what `work` rejects with.
 */
export async function withDeadline<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new FetchFailure('timeout'))
      controller.abort(new DOMException('The time is up', 'TimeoutError'))
    }, timeoutMs)
    unref(timer)
  })
  try {
    return await Promise.race([work(controller.signal), expiry])
  } catch (error) {
    controller.abort()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
