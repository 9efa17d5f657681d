import { fetchPublic } from '#network'
import { withTimeLimit } from '../time-limit.js'
import type { Fetch } from './fetch.js'
import { FetchFailure } from './fetch-failure.js'
import { isPublicHostname } from './network/public-address.js'
import { isPlatformFetch } from './platform-fetch.js'
import { readText } from './read-text.js'
import { type InsecureHosts, isInsecureHost, readSecureUrl } from './secure-url.js'

/** How one call goes out. Complete: nothing here is optional that would weaken the call by being left out. */
export interface GuardedFetchOptions {
  readonly fetch: Fetch
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Milliseconds until the last byte of the body. */
  readonly timeoutMs: number
  /** Most bytes of body, after decompression. */
  readonly maxBytes: number
  /** Hosts that may be reached over http, and off the public internet. */
  readonly allowInsecureLoopback: InsecureHosts
  /**
   * Hostnames the configuration names, as `URL.hostname` writes them: these are trusted as they are. Every other host
   * must be https on the public internet.
   */
  readonly trustedHostnames: readonly string[]
}

/** A complete answer. Status and media type are for the caller to judge. */
export interface FetchedAnswer {
  readonly status: number
  readonly headers: Headers
  /** `type/subtype` in lower case, without parameters; empty when the answer names none. */
  readonly mediaType: string
  readonly text: string
}

/**
 * The way out for discovery, key sets and introspection; the OAuth client has one of its own with the same rules, in
 * `src/kit/fetch/guarded-response.ts`. https only (http on hosts where allowed), no user information, no redirect
 * followed, a timeout that covers the body, a size limit held while reading. A host that is not in `trustedHostnames`
 * must be on the public internet: by its literal address or name everywhere, and by its resolved, pinned address on
 * Node, unless `fetch` is the user's own, who then answers for where names lead.
 *
 * @throws {@link FetchFailure}, always: nothing else, and never later than `timeoutMs`.
 */
export async function guardedFetch(url: string, options: GuardedFetchOptions): Promise<FetchedAnswer> {
  const target = readSecureUrl(url, options.allowInsecureLoopback)
  if (target === undefined) throw new FetchFailure('insecure_url')
  const transport = transportTo(target, options)
  try {
    return await withTimeLimit(options.timeoutMs, (signal) => exchange(url, options, transport, signal))
  } catch (error) {
    throw toFetchFailure(error)
  }
}

function transportTo(target: URL, options: GuardedFetchOptions): Fetch {
  if (options.trustedHostnames.includes(target.hostname)) return options.fetch
  if (isInsecureHost(target, options.allowInsecureLoopback)) return options.fetch
  if (!isPublicHostname(target.hostname)) throw new FetchFailure('private_address')
  return isPlatformFetch(options.fetch) ? fetchPublic : options.fetch
}

async function exchange(
  url: string,
  { method = 'GET', headers, body, maxBytes }: GuardedFetchOptions,
  transport: Fetch,
  signal: AbortSignal,
): Promise<FetchedAnswer> {
  const content = body === undefined ? {} : { body }
  const response = await transport(url, { method, headers: { ...headers }, redirect: 'manual', signal, ...content })
  if (isRedirect(response)) {
    void response.body?.cancel().catch(() => {})
    throw new FetchFailure('redirect')
  }
  const text = await readText(response, maxBytes)
  return { status: response.status, headers: response.headers, mediaType: mediaTypeOf(response.headers), text }
}

/** Also true for what a browser hides of a redirect, and for one an injected `fetch` followed against orders. */
function isRedirect({ status, type, redirected }: Response): boolean {
  return (status >= 300 && status < 400) || type === 'opaqueredirect' || redirected
}

function mediaTypeOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').replace(/;.*$/s, '').trim().toLowerCase()
}

function toFetchFailure(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof FetchFailure ? cause : new FetchFailure('network', error)
}
