import { type ClientErrorContext, OAuthClientError } from './errors.js'

/** Waits for work that others may share: an abort ends the waiting, not the work. Starts nothing once aborted. */
export async function untilAborted<T>(
  start: () => Promise<T>,
  signal: AbortSignal | undefined,
  context: ClientErrorContext,
): Promise<T> {
  if (signal === undefined) return start()
  if (signal.aborted) throw new OAuthClientError('ERR_ABORTED', context)
  let onAbort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new OAuthClientError('ERR_ABORTED', context))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([start(), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
