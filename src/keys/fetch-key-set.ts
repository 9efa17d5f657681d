import { cacheLifetimeMs } from '../lib/cache-lifetime.js'
import { FetchFailure } from '../lib/fetch-failure.js'
import { guardedFetch } from '../lib/guarded-fetch.js'
import { ownMember, parseJsonObject } from '../lib/json.js'
import type { Surroundings } from '../options/resolved.js'

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

const mediaTypes = ['application/jwk-set+json', 'application/json']
const maxBytes = 512 * 1024
const maxKeys = 100

/**
 * Fetches a JWK set (RFC 7517 §5): status 200, a JSON media type, an object whose `keys` is an array of at most 100
 * entries. Does not look into the entries.
 *
 * @throws {@link FetchFailure}
 */
export async function fetchKeySet(location: KeySetLocation, options: FetchKeySetOptions): Promise<FetchedKeySet> {
  const { fetch, allowInsecureLoopback } = options.surroundings
  const answer = await guardedFetch(location.jwksUri, {
    fetch,
    headers: { accept: mediaTypes.join(', ') },
    timeoutMs: options.timeoutMs,
    maxBytes,
    allowInsecureLoopback,
    trustedHostnames: location.trustedHostnames,
  })
  if (answer.status !== 200) throw new FetchFailure('status')
  if (!mediaTypes.includes(answer.mediaType)) throw new FetchFailure('media_type')
  const bounds = { minSeconds: 60, maxSeconds: 86_400, defaultSeconds: options.defaultMaxAgeSeconds }
  return { entries: readEntries(answer.text), lifetimeMs: cacheLifetimeMs(answer.headers, bounds) }
}

function readEntries(text: string): readonly unknown[] {
  const document = parseJsonObject(text)
  const entries = document === undefined ? undefined : ownMember(document, 'keys')
  if (!Array.isArray(entries)) throw new FetchFailure('malformed')
  if (entries.length > maxKeys) throw new FetchFailure('too_many_keys')
  return entries
}
