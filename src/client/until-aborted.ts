import { type ClientErrorContext, OAuthClientError } from './errors.js'

/** Waits for work that others may share: an abort ends the waiting, not the work. Starts nothing once aborted. */
export async function untilAborted<T>(
  start: () => Promise<T>,
  signal: AbortSignal | undefined,
  context: ClientErrorContext,
): Promise<T> {
  if (signal === undefined) return start()
  if (signal.aborted) throw new OAuthClientError('ERR_ABORTED', context)
  const done = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new OAuthClientError('ERR_ABORTED', context))
    signal.addEventListener('abort', giveUp, { once: true, signal: done.signal })
  })
  try {
    return await Promise.race([start(), aborted])
  } finally {
    done.abort()
  }
}
