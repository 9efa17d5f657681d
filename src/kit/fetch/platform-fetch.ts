import type { Fetch } from './fetch.js'

/**
 * The platform's own `fetch`: the default of every `fetch` option. Looked up at each call, so that an instrumented
 * `globalThis.fetch` is used.
 */
export const platformFetch: Fetch = (url, init) => globalThis.fetch(url, init)

/** Whether requests go out by the platform's own `fetch`, and not by one the user gave. */
export function isPlatformFetch(fetch: Fetch): boolean {
  return fetch === platformFetch || fetch === globalThis.fetch
}
