import { cacheLifetimeMs } from '../kit/cache-lifetime.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { guardedFetch } from '../kit/fetch/guarded-fetch.js'
import { ownMember, parseJsonObject } from '../kit/json.js'
import { readRetryAfter } from '../kit/retry-after.js'
import type { Surroundings } from '../kit/surroundings.js'

/** Where a key set is, and who says so. */
export interface KeySetLocation {
  readonly jwksUri: string
  /** Hostnames the configuration names; see `GuardedFetchOptions.trustedHostnames`. */
  readonly trustedHostnames: readonly string[]
}

/** How a key set is fetched. */
export interface FetchKeySetOptions {
  readonly surroundings: Surroundings
  readonly timeoutMs: number
  readonly defaultMaxAgeSeconds: number
}

/** The entries of a key set, still unread. */
export interface FetchedKeySet {
  readonly entries: readonly unknown[]
  readonly lifetimeMs: number
}

const maxBytes = 512 * 1024
/** A server that asks for more is asked again all the same: nobody may lock us out for a day. */
const maxRetryAfterMs = 60_000
const lifetimeBounds = { minSeconds: 60, maxSeconds: 86_400 }

/**
 * Fetches a JWK set (RFC 7517 §5): status 200 and an object whose `keys` is an array, of whatever media type, 512 KiB at
 * most. Does not look into the entries, nor count them.
 *
 * @throws {@link FetchFailure}; with what `Retry-After` says, a minute at most, where the status is not 200.
 */
export async function fetchKeySet(location: KeySetLocation, options: FetchKeySetOptions): Promise<FetchedKeySet> {
  const { fetch, clock, insecureHosts } = options.surroundings
  const answer = await guardedFetch(location.jwksUri, {
    fetch,
    headers: { accept: 'application/jwk-set+json, application/json' },
    timeoutMs: options.timeoutMs,
    maxBytes,
    allowInsecureLoopback: insecureHosts,
    trustedHostnames: location.trustedHostnames,
  })
  if (answer.status !== 200) throw new FetchFailure('status', undefined, retryAfterMs(answer.headers, clock()))
  const bounds = { ...lifetimeBounds, defaultSeconds: options.defaultMaxAgeSeconds }
  return { entries: readEntries(answer.text), lifetimeMs: cacheLifetimeMs(answer.headers, bounds) }
}

function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const askedMs = readRetryAfter(headers.get('retry-after'), nowMs)
  return askedMs === undefined ? undefined : Math.min(askedMs, maxRetryAfterMs)
}

function readEntries(text: string): readonly unknown[] {
  const document = parseJsonObject(text)
  const entries = document === undefined ? undefined : ownMember(document, 'keys')
  if (!Array.isArray(entries)) throw new FetchFailure('malformed')
  return entries
}
