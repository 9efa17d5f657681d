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
