import { ConfigurationError, UnavailableError } from '../errors/index.js'
import { cacheLifetimeMs } from '../kit/cache-lifetime.js'
import { emit } from '../kit/events.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { type FetchedAnswer, guardedFetch } from '../kit/fetch/guarded-fetch.js'
import { type InsecureHosts, readSecureUrl } from '../kit/fetch/secure-url.js'
import { type JsonObject, parseJsonObject } from '../kit/json.js'
import { createRefreshing, type Loaded } from '../kit/refreshing.js'
import type { Surroundings } from '../kit/surroundings.js'
import { type AuthorizationServerMetadata, readMetadata } from './authorization-server-metadata.js'
import { discoveryUrls } from './discovery-urls.js'
import { reasonOf } from './failure-reason.js'

/** Finds the metadata of one authorization server. Built by {@link createDiscovery}. */
export interface Discovery {
  readonly issuer: string
  /**
   * The metadata, from cache while it lasts. Does not wait once there is any, unless it expired unused: then 500 ms at
   * most while it may still serve.
   *
   * @throws {@link UnavailableError} `ERR_DISCOVERY_UNAVAILABLE`, at once while backing off after a failure.
   */
  metadata(): Promise<AuthorizationServerMetadata>
  /** Makes the next use fetch anew; known metadata serves meanwhile. */
  invalidate(): void
}

const lifetimeBounds = { minSeconds: 600, maxSeconds: 86_400, defaultSeconds: 3600 }
const maxBytes = 256 * 1024
const timeoutMs = 5000

/**
 * Discovery of `issuer` by RFC 8414 and OpenID Connect Discovery. Metadata is kept for 10 minutes to 24 hours as the
 * answer says (an hour when silent), fetched anew 5 minutes before that ends, and kept on for at most 24 hours more
 * while fetching fails. Concurrent callers share one fetch; after a failure there is a pause of up to 30 s.
 *
 * @param random - numbers from 0 to 1, for jitter.
 * @throws {@link ConfigurationError} when `issuer` is not an https URL without query and fragment (RFC 8414 §2).
 */
export function createDiscovery(
  issuer: string,
  surroundings: Surroundings,
  random: () => number = Math.random,
): Discovery {
  const { clock, onEvent } = surroundings
  checkIssuer(issuer, surroundings.insecureHosts)
  const document = createRefreshing<AuthorizationServerMetadata>({
    load: () => loadMetadata(issuer, surroundings),
    onFailure: (error) => emit(onEvent, { type: 'discovery.failed', issuer, reason: reasonOf(error) }),
    retryAfterMs: () => undefined,
    clock,
    random,
    refreshAheadMs: 300_000,
    staleIfErrorMs: 86_400_000,
  })
  return {
    issuer,
    async metadata() {
      const known = document.usable(clock())
      if (known !== undefined) return known
      await document.refreshSoon(clock())
      const nowMs = clock()
      const fetched = document.usable(nowMs)
      if (fetched !== undefined) return fetched
      const error = document.failure()?.error
      throw new UnavailableError('ERR_DISCOVERY_UNAVAILABLE', {
        detail: reasonOf(error),
        cause: error,
        retryAfterSeconds: document.backOffMs(nowMs) / 1000,
      })
    },
    invalidate: document.invalidate,
  }
}

function checkIssuer(issuer: string, insecureHosts: InsecureHosts): void {
  if (readSecureUrl(issuer, insecureHosts) === undefined || /[?#]/.test(issuer)) {
    throw new ConfigurationError('`issuer` takes an absolute https URL without query and fragment (RFC 8414 §2).')
  }
}

async function loadMetadata(issuer: string, surroundings: Surroundings): Promise<Loaded<AuthorizationServerMetadata>> {
  let failure: FetchFailure | undefined
  for (const url of discoveryUrls(issuer)) {
    const candidate = await fetchCandidate(url, surroundings)
    if (!(candidate instanceof FetchFailure)) {
      const value = readMetadata(candidate.document, issuer, surroundings.insecureHosts)
      return { value, lifetimeMs: cacheLifetimeMs(candidate.headers, lifetimeBounds) }
    }
    failure = candidate
  }
  throw failure
}

interface Candidate {
  readonly document: JsonObject
  readonly headers: Headers
}

/** Returns a failure after which the next candidate may be tried; throws the others. */
async function fetchCandidate(url: string, surroundings: Surroundings): Promise<Candidate | FetchFailure> {
  const answer = await fetchDocument(url, surroundings)
  if (answer instanceof FetchFailure) return answer
  if (answer.status >= 400 && answer.status < 500) return new FetchFailure('status')
  if (answer.status !== 200) throw new FetchFailure('status')
  if (answer.mediaType !== 'application/json') return new FetchFailure('media_type')
  const document = parseJsonObject(answer.text)
  return document === undefined ? new FetchFailure('malformed') : { document, headers: answer.headers }
}

async function fetchDocument(
  url: string,
  { fetch, insecureHosts }: Surroundings,
): Promise<FetchedAnswer | FetchFailure> {
  try {
    return await guardedFetch(url, {
      fetch,
      headers: { accept: 'application/json' },
      timeoutMs,
      maxBytes,
      allowInsecureLoopback: insecureHosts,
      trustedHostnames: [new URL(url).hostname],
    })
  } catch (error) {
    // A redirect to a login page, or a page that is not even text, is a way of saying that there is nothing here.
    if (error instanceof FetchFailure && (error.reason === 'redirect' || error.reason === 'not_utf8')) return error
    throw error
  }
}
