import { FetchFailure } from './fetch-failure.js'

const plainName = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/

/**
 * What failed, as a code for events and metrics: the reason of a {@link FetchFailure}, else the `code` of an error of the
 * platform or a driver, else its class. Never a message: that is free text of somebody else's, and may hold addresses
 * and credentials. Never throws.
 */
export function failureCode(thrown: unknown): string {
  try {
    if (thrown instanceof FetchFailure) return thrown.reason
    const { code, name } = Object(thrown) as { readonly code?: unknown; readonly name?: unknown }
    return [code, name].find((text): text is string => typeof text === 'string' && plainName.test(text)) ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
