import { UnavailableError } from '../errors/index.js'
import { emit } from '../kit/event-sink.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { guardedFetch, readRetryAfter } from '../kit/fetch/guarded-fetch.js'
import { ownMember, parseJsonObject } from '../kit/json.js'
import { cacheLifetimeMs, type Loaded } from '../kit/refreshing.js'
import type { Surroundings } from '../kit/surroundings.js'
import type { Discovery } from './discovery.js'
import { createKeyTable, type KeySettings, type KeyTable, readKeys } from './key-table.js'

/** What {@link loadKeys} needs besides the keys held so far. */
export interface LoadKeysOptions extends FetchKeySetOptions {
  readonly issuer: string
  readonly jwksUri: string | Discovery
  readonly rules?: KeySettings | undefined
}

/** Keys that were fetched, and what is worth telling of that. */
export interface LoadedKeys extends Loaded<KeyTable>, Pick<FetchedKeySet, 'host' | 'clockOffsetMs'> {
  readonly added: number
  readonly withdrawn: number
}

/** An answer may hold a quarter of a million entries that are not keys. */
const maxToldEntries = 100

/**
 * Fetches and reads an issuer's keys. Keys that are in `previous` keep their objects; keys that are only in `previous`
 * are withdrawn. Entries passed over become events, the first 100 of them. A set without one usable key counts as a failure: an issuer that
 * signs nothing issues nothing, so an empty set is an accident, and must not turn good tokens away.
 *
 * @throws {@link FetchFailure}, or {@link UnavailableError} from discovery.
 */
export async function loadKeys(options: LoadKeysOptions, previous: KeyTable | undefined): Promise<LoadedKeys> {
  const { issuer, surroundings } = options
  const { entries, lifetimeMs, host, clockOffsetMs } = await fetchFromIssuer(options)
  const { keys, skipped } = readKeys(entries, previous?.keys ?? [], options.rules)
  for (const { code: reason, index } of skipped.slice(0, maxToldEntries))
    emit(surroundings.onEvent, { type: 'keys.entry_skipped', issuer, reason, index })
  if (keys.length === 0) throw new FetchFailure('no_usable_key')
  const published = new Set(keys)
  const withdrawn = (previous?.keys ?? []).filter((key) => !published.has(key))
  for (const key of withdrawn) key.withdraw()
  const known = new Set(previous?.keys)
  const added = keys.filter((key) => !known.has(key)).length
  return { value: createKeyTable(keys), lifetimeMs, added, withdrawn: withdrawn.length, host, clockOffsetMs }
}

async function fetchFromIssuer(options: LoadKeysOptions): Promise<FetchedKeySet> {
  const { jwksUri } = options
  try {
    return await fetchKeySet(await locate(jwksUri), options)
  } catch (error) {
    // The key set may have moved: the next attempt asks discovery again.
    if (typeof jwksUri !== 'string' && !(error instanceof UnavailableError)) jwksUri.invalidate()
    throw error
  }
}

/** A configured host is trusted: that of the URL itself, or the issuer's. A discovered `jwks_uri` elsewhere is not. */
async function locate(source: string | Discovery): Promise<KeySetLocation> {
  if (typeof source === 'string') return { jwksUri: source, trustedHostnames: [new URL(source).hostname] }
  const { jwks_uri: jwksUri } = await source.metadata()
  if (jwksUri === undefined) throw new FetchFailure('jwks_uri_missing')
  return { jwksUri, trustedHostnames: [new URL(source.issuer).hostname] }
}

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
  readonly host: string
  /** How far the clock of the server is ahead; `undefined` where the answer does not tell. */
  readonly clockOffsetMs: number | undefined
}

const maxBytes = 512 * 1024
/** A server that asks for more is asked again all the same: no server may lock us out for a day. */
const maxRetryAfterMs = 60_000
/** A server that asks for less asks for nothing: each request would fetch again. */
const minRetryAfterMs = 1000
const lifetimeBounds = { minSeconds: 60, maxSeconds: 86_400 }

/**
 * Fetches a JWK set (RFC 7517 §5): status 200 and an object whose `keys` is an array, of whatever media type, 512 KiB at
 * most. Does not look into the entries, nor count them.
 *
 * @throws {@link FetchFailure}; with what `Retry-After` says, from a second on, a minute at most, where the status is not 200.
 */
async function fetchKeySet(location: KeySetLocation, options: FetchKeySetOptions): Promise<FetchedKeySet> {
  const { fetch, clock, insecureHosts } = options.surroundings
  const answer = await guardedFetch(location.jwksUri, {
    fetch,
    headers: { accept: 'application/jwk-set+json, application/json' },
    timeoutMs: options.timeoutMs,
    maxBytes,
    insecureHosts,
    trustedHostnames: location.trustedHostnames,
  })
  if (answer.status !== 200) throw new FetchFailure('status', undefined, retryAfterMs(answer.headers, clock()))
  const bounds = { ...lifetimeBounds, defaultSeconds: options.defaultMaxAgeSeconds }
  return {
    entries: readEntries(answer.text),
    lifetimeMs: cacheLifetimeMs(answer.headers, bounds),
    host: new URL(location.jwksUri).host,
    clockOffsetMs: clockOffsetMs(answer.headers, clock()),
  }
}

/** By the `Date` of an answer that no cache held back: it has whole seconds, and was written a moment ago. */
function clockOffsetMs(headers: Headers, nowMs: number): number | undefined {
  if (headers.has('age')) return undefined
  const serverMs = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(serverMs) ? undefined : Math.round((serverMs - nowMs) / 1000) * 1000
}

function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const askedMs = readRetryAfter(headers.get('retry-after'), nowMs)
  return askedMs === undefined || askedMs < minRetryAfterMs ? undefined : Math.min(askedMs, maxRetryAfterMs)
}

function readEntries(text: string): readonly unknown[] {
  const document = parseJsonObject(text)
  const entries = document === undefined ? undefined : ownMember(document, 'keys')
  if (!Array.isArray(entries)) throw new FetchFailure('malformed')
  return entries
}
