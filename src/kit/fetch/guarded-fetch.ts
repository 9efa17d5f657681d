/*
 * The one way out of the process. Keys, discovery, introspection, every endpoint the OAuth client asks, the metadata
 * server of Google Cloud and `access.fetch` go through here, so that size, time, redirects and addresses are ruled once.
 */
import { fetchPublic } from '#network'
import { linkSignals, untilAborted, withTimeLimit } from '../time-limit.js'
import { FetchFailure } from './fetch-failure.js'
import { type Fetch, type FetchInit, isPlatformFetch } from './platform-fetch.js'
import { type InsecureHosts, isInsecureHost, isPublicHostname, readSecureUrl } from './secure-url.js'

/** Where a request may go. */
export interface DestinationOptions {
  readonly fetch: Fetch
  /** Hosts that may be reached over http, and off the public internet. */
  readonly insecureHosts: InsecureHosts
  /**
   * Hostnames the configuration names, as `URL.hostname` writes them: these are trusted as they are. Every other host
   * must be https on the public internet.
   */
  readonly trustedHostnames: readonly string[]
}

/** How one request goes out. Complete: nothing here is optional that would weaken the call by being left out. */
export interface GuardedRequestOptions extends DestinationOptions {
  /** Default GET. */
  readonly method?: FetchInit['method'] | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Most bytes of body, after decompression. */
  readonly maxBytes: number
}

/** {@link GuardedRequestOptions}, with the time it may take. */
export interface GuardedFetchOptions extends GuardedRequestOptions {
  /** Milliseconds until the last byte of the body. */
  readonly timeoutMs: number
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
 * Sends one request and reads its answer: https only (http on hosts where allowed), no user information, no redirect
 * followed, a time limit that covers the body, a size limit held while reading. A host that is not in `trustedHostnames`
 * must be on the public internet: by its literal address or name everywhere, and by its resolved, pinned address on
 * Node, unless `fetch` is the user's own, who then answers for where names lead.
 *
 * @throws {@link FetchFailure}, always: nothing else, and never later than `timeoutMs`.
 */
export function guardedFetch(url: string, options: GuardedFetchOptions): Promise<FetchedAnswer> {
  return withTimeLimit(options.timeoutMs, (signal) => guardedFetchWithin(signal, url, options))
}

/**
 * {@link guardedFetch} within a time limit that runs already. Whoever made `signal` has to stop waiting when it aborts:
 * a `fetch` that ignores it is not outrun here.
 *
 * @throws {@link FetchFailure}
 */
export async function guardedFetchWithin(
  signal: AbortSignal,
  url: string,
  { method = 'GET', headers, body, maxBytes, ...destination }: GuardedRequestOptions,
): Promise<FetchedAnswer> {
  try {
    const transport = transportTo(url, destination)
    const content = body === undefined ? {} : { body }
    const response = await transport(url, { method, headers: { ...headers }, redirect: 'manual', signal, ...content })
    if (isRedirect(response)) refuseAnswer(response, 'redirect')
    const text = await readText(response, maxBytes)
    return { status: response.status, headers: response.headers, mediaType: mediaTypeOf(response.headers), text }
  } catch (error) {
    throw toFetchFailure(error)
  }
}

/** How the request of an application goes out. */
export interface GuardedStreamOptions extends Omit<DestinationOptions, 'fetch'> {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds until the answer must have been read to its end. */
  readonly timeoutMs: number
  /** Ends the request too, beside the signal of `init`. */
  readonly closing?: AbortSignal | undefined
}

/**
 * {@link guardedFetch} for a request of the application's own, whose answer the application reads itself: the same hosts
 * are refused, no redirect is followed, and no caller waits longer than `timeoutMs`. Waits for the head of the answer only;
 * the body breaks off when the time is up, or when the signal of `init` aborts.
 *
 * Does NOT bound the size of the answer, and does NOT refuse a status: a redirect is handed over as it came.
 *
 * @throws {@link FetchFailure} for a destination that is refused, and for an answer to a redirect that `fetch` followed
 * all the same; the reason of the signal (a `TimeoutError` when the time is up); or what `fetch` rejects with.
 */
export async function guardedStream(
  url: string,
  init: RequestInit,
  { fetch, timeoutMs, closing, ...destination }: GuardedStreamOptions,
): Promise<Response> {
  const transport = transportTo(url, { ...destination, fetch: fetch as Fetch }) as typeof globalThis.fetch
  const { signal, release } = linkSignals([init.signal, closing], timeoutMs)
  try {
    const response = await untilAborted(signal, () => transport(url, { ...init, redirect: 'manual', signal }))
    return response.redirected ? refuseAnswer(response, 'redirect') : response
  } catch (error) {
    release()
    throw error
  }
}

function transportTo(url: string, { fetch, insecureHosts, trustedHostnames }: DestinationOptions): Fetch {
  const target = readSecureUrl(url, insecureHosts)
  if (target === undefined) throw new FetchFailure('insecure_url')
  if (trustedHostnames.includes(target.hostname) || isInsecureHost(target, insecureHosts)) return fetch
  if (!isPublicHostname(target.hostname)) throw new FetchFailure('private_address')
  return isPlatformFetch(fetch) ? fetchPublic : fetch
}

/** Also true for what a browser hides of a redirect, and for one an injected `fetch` followed against orders. */
function isRedirect({ status, type, redirected }: Response): boolean {
  return (status >= 300 && status < 400) || type === 'opaqueredirect' || redirected
}

/** A body that is not read holds its connection. */
function refuseAnswer(response: Response, reason: 'redirect' | 'too_large'): never {
  void response.body?.cancel().catch(() => {})
  throw new FetchFailure(reason)
}

function mediaTypeOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').replace(/;.*$/s, '').trim().toLowerCase()
}

/** `fetch` wraps what the look-up of a name rejected with. */
function toFetchFailure(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof FetchFailure ? cause : new FetchFailure('network', error)
}

/**
 * Reads a body as UTF-8 text of at most `maxBytes` bytes, counted after decompression. A longer body is abandoned as
 * soon as it shows, and its stream cancelled.
 */
async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return ''
  if (Number(response.headers.get('content-length')) > maxBytes) refuseAnswer(response, 'too_large')
  const reader = response.body.getReader()
  let read: Uint8Array = new Uint8Array()
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return decode(read.subarray(0, bytes))
      const length = bytes
      bytes += value.byteLength
      // Also what is not bytes: it has no such length.
      if (!(bytes <= maxBytes)) throw new FetchFailure('too_large')
      read = length === 0 ? value : appended(read, length, value)
    }
  } catch (error) {
    void reader.cancel().catch(() => {})
    throw error
  }
}

/** `more` behind the first `length` bytes of `read`. Memory doubles, so that many small pieces take no longer than few. */
function appended(read: Uint8Array, length: number, more: Uint8Array): Uint8Array {
  const needed = length + more.byteLength
  let room = read
  if (needed > read.byteLength) {
    room = new Uint8Array(2 * needed)
    room.set(read.subarray(0, length))
  }
  room.set(more, length)
  return room
}

/** Keeps nothing between two texts, so that all share it: making one takes longer than decoding. */
const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new FetchFailure('not_utf8', cause)
  }
}

/**
 * Reads a `Retry-After` field (RFC 9110 §10.2.3): whole seconds or an HTTP date, as milliseconds from `nowMs` on.
 * `undefined` when absent or unreadable; a date gone by is 0.
 */
export function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  if (!/^[A-Za-z]{3,9}, /.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}
