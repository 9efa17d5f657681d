/** The part of `fetch` this library uses; give your own to go through a proxy, an agent or a test server. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/** What this library hands to {@link Fetch}. `redirect` is always `manual`: no redirect is ever followed. */
export interface FetchInit {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers: Record<string, string>
  readonly body?: string
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/**
 * The platform's own `fetch`: the default of every `fetch` option. Looked up at each call, so that an instrumented
 * `globalThis.fetch` is used.
 */
export const platformFetch: Fetch = (url, init) => globalThis.fetch(url, init)

/** Whether requests go out by the platform's own `fetch`, and not by one the user gave. */
export function isPlatformFetch(fetch: Fetch): boolean {
  return fetch === platformFetch || fetch === globalThis.fetch
}
