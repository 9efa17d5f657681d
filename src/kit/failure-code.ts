import { FetchFailure } from './fetch/fetch-failure.js'

const plainName = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/** How Redis says what is wrong: the first word of an error reply. */
const redisCode =
  /^(?:BUSY|CLUSTERDOWN|ERR|LOADING|MASTERDOWN|MISCONF|MOVED|NOAUTH|NOPERM|NOREPLICAS|OOM|READONLY|TRYAGAIN|WRONGPASS|WRONGTYPE)(?= )/

/**
 * What failed, as a code for events and metrics: the reason of a {@link FetchFailure}, else the `code` of an error of the
 * platform or a driver, else the code of a Redis reply such as `OOM`, else its class. Never anything more of a message:
 * that is free text of somebody else's, and may hold addresses and credentials. Never throws.
 */
export function failureCode(thrown: unknown): string {
  try {
    if (thrown instanceof FetchFailure) return thrown.reason
    const { code, name, message } = Object(thrown) as Partial<Record<'code' | 'name' | 'message', unknown>>
    const reply = typeof message === 'string' ? redisCode.exec(message)?.[0] : undefined
    const isPlain = (text: unknown): text is string => typeof text === 'string' && plainName.test(text)
    return [code, reply, name].find(isPlain) ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
