import { AuthError, UnavailableError } from '../errors/index.js'
import { monotonicClock } from '../kit/clock.js'
import { emit, traced } from '../kit/event-sink.js'
import { type IssuerFailureReason, issuerReason } from '../kit/failure-code.js'
import { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { type FetchedAnswer, guardedFetch } from '../kit/fetch/guarded-fetch.js'
import { type InsecureHosts, readSecureUrl } from '../kit/fetch/secure-url.js'
import { freezeWithin, type JsonObject, ownMember, parseJsonObject } from '../kit/json.js'
import { cacheLifetimeMs, createRefreshing, type Refreshing } from '../kit/refreshing.js'
import type { Surroundings } from '../kit/surroundings.js'
import type { AuthorizationServerMetadata } from './authorization-server-metadata.js'
import { checkIssuer } from './identifiers.js'

/** Which well-known addresses are asked: those of RFC 8414, that of OpenID Connect Discovery, or all in turn. */
export type DiscoveryConvention = 'auto' | 'oauth2' | 'oidc'

/** Finds the metadata of one authorization server. Built by {@link createDiscovery}. */
export interface Discovery {
  readonly issuer: string
  /**
   * The metadata that can be used, from cache while it lasts. Does not wait once there is any, unless it expired unused:
   * then 500 ms at most while it may still serve.
   *
   * @throws {@link UnavailableError} `ERR_ISSUER_UNAVAILABLE`, at once while backing off after a failure; or what
   * {@link DiscoverySettings.toError} makes of it.
   */
  metadata(): Promise<AuthorizationServerMetadata>
  /** The same, with every member as it came: who needs one says that it is wrong. */
  document(): Promise<AuthorizationServerMetadata>
  /** Makes the next use fetch anew; known metadata serves meanwhile. */
  invalidate(): void
}

/** The answer of one well-known address: a JSON object, not yet looked into. */
export interface DiscoveryAnswer {
  readonly document: JsonObject
  readonly headers: Headers
}

/** How a client of a server has its way of asking. What is left out is that of the resource server. */
export interface DiscoverySettings {
  /** Default `auto`. */
  readonly convention?: DiscoveryConvention | undefined
  /** What the document may name as its issuer, where that is not the issuer it was asked for. */
  readonly documentIssuers?: readonly string[] | undefined
  /**
   * Asks one address. Returns an error where the server has nothing there, so that the next one is asked; throws where
   * it cannot be known. {@link isNothingThere} tells one status from the other.
   */
  readonly ask?: ((url: string) => Promise<DiscoveryAnswer | Error>) | undefined
  /** The error for who asks, given the failure and how long nothing is asked. */
  readonly toError?: ((failure: unknown, backOffMs: number) => Error) | undefined
  /** A delay before the next attempt instead of the back-off; `isKnown` tells whether there was metadata before. */
  readonly retryAfterMs?: ((isKnown: boolean) => number) | undefined
  /** Numbers from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined
}

const lifetimeBounds = { minSeconds: 600, maxSeconds: 86_400, defaultSeconds: 3600 }
const maxBytes = 256 * 1024
const timeoutMs = 5000

interface Known {
  readonly document: AuthorizationServerMetadata
  readonly metadata: AuthorizationServerMetadata
}

/**
 * Discovery of `issuer` by RFC 8414 and OpenID Connect Discovery: the one way for resource server and client. Metadata is
 * kept for 10 minutes to 24 hours as the answer says (an hour when silent), fetched anew 5 minutes before that ends, and
 * kept on for at most 24 hours more while fetching fails. Concurrent callers share one fetch; after a failure there is a
 * pause of up to 30 s. The document must name this very issuer; no other member is checked.
 *
 * @throws {@link ConfigurationError} when `issuer` is not an https URL without query and fragment (RFC 8414 §2).
 */
export function createDiscovery(
  issuer: string,
  surroundings: Surroundings,
  settings: DiscoverySettings = {},
): Discovery {
  const { clock, onEvent, insecureHosts } = surroundings
  const { ask = (url: string) => askGuarded(url, surroundings), toError = unavailable, retryAfterMs } = settings
  const { documentIssuers = [issuer] } = settings
  checkIssuer('issuer', issuer, insecureHosts)
  const urls = discoveryUrls(issuer, settings.convention)
  let startedMs = 0
  const durationMs = () => Math.max(0, monotonicClock() - startedMs)
  const known: Refreshing<Known> = createRefreshing<Known>({
    async load() {
      startedMs = monotonicClock()
      const { document: found, headers } = await traced(onEvent, { operation: 'discovery', issuer }, () =>
        firstAnswer(urls, ask),
      )
      const document = readMetadata(found, ...documentIssuers)
      const metadata = usableMetadata(document, insecureHosts)
      emit(onEvent, { type: 'discovery.refreshed', issuer, durationMs: durationMs() })
      return {
        value: { document, metadata },
        lifetimeMs: cacheLifetimeMs(headers, lifetimeBounds),
      }
    },
    onFailure(error, stale) {
      const about = { reason: reasonOf(error), stale, durationMs: durationMs(), retryInMs: known.backOffMs(clock()) }
      emit(onEvent, { type: 'discovery.failed', issuer, ...about })
    },
    retryAfterMs: () => retryAfterMs?.(known.held() !== undefined),
    clock,
    random: settings.random ?? Math.random,
    refreshAheadMs: 300_000,
    staleIfErrorMs: 86_400_000,
  })

  async function get(): Promise<Known> {
    const held = known.usable(clock())
    if (held !== undefined) return held
    await known.refreshSoon(clock())
    const nowMs = clock()
    const fetched = known.usable(nowMs)
    if (fetched !== undefined) return fetched
    throw toError(known.failure()?.error, known.backOffMs(nowMs))
  }

  return {
    issuer,
    metadata: async () => (await get()).metadata,
    document: async () => (await get()).document,
    invalidate: known.invalidate,
  }
}

/**
 * Where the metadata of `issuer` may be, in the order to try: RFC 8414 §3.1 (inserted before the path), then OpenID
 * Connect inserted, then OpenID Connect appended (Discovery §4.1; RFC 8414 §5). For an issuer without a path the last two
 * are one. `issuer` must be an absolute URL without query and fragment.
 */
export function discoveryUrls(issuer: string, convention: DiscoveryConvention = 'auto'): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`
  const inserted = `${origin}/.well-known/openid-configuration${path}`
  const appended = `${origin}${path}/.well-known/openid-configuration`
  if (convention === 'oauth2') return [oauth]
  if (convention === 'oidc') return [appended]
  return path === '' ? [oauth, appended] : [oauth, inserted, appended]
}

/** Whether a status says that the server has no metadata at an address. 429 says only that it will not tell now. */
export function isNothingThere(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429
}

/** Why a refresh failed, as a code for events, logs and health. Any text that is not one of the codes is left out. */
export function reasonOf(error: unknown): IssuerFailureReason {
  if (error instanceof FetchFailure) return error.reason
  return issuerReason(error instanceof AuthError ? error.detail : undefined)
}

const endpointName = /(?:_endpoint|^jwks_uri)$/
const maxDepth = 32

/**
 * Reads a metadata document: its `issuer` must be one of these very texts (RFC 8414 §3.3). No other member is
 * looked at.
 *
 * @throws {@link FetchFailure} `issuer_mismatch`.
 */
export function readMetadata(document: JsonObject, ...issuers: readonly string[]): AuthorizationServerMetadata {
  if (!issuers.includes(ownMember(document, 'issuer') as string)) throw new FetchFailure('issuer_mismatch')
  return Object.freeze(document) as AuthorizationServerMetadata
}

/**
 * The members that can be used, frozen: a null, an empty list (RFC 8414 §3.2), an endpoint that is not https and a member
 * nested deeper than 32 levels are as good as absent, so that a wrong member fails the one who needs it; all others are
 * kept as they came.
 */
export function usableMetadata(
  metadata: AuthorizationServerMetadata,
  insecureHosts: InsecureHosts,
): AuthorizationServerMetadata {
  const members = Object.entries(metadata).filter(([name, value]) => isUsable(name, value, insecureHosts))
  return Object.freeze(Object.fromEntries(members)) as AuthorizationServerMetadata
}

function isUsable(name: string, value: unknown, insecureHosts: InsecureHosts): boolean {
  if (value === null || (Array.isArray(value) && value.length === 0)) return false
  if (endpointName.test(name)) {
    return typeof value === 'string' && readSecureUrl(value, insecureHosts) !== undefined
  }
  return freezeWithin(value, maxDepth)
}

async function firstAnswer(
  urls: readonly string[],
  ask: (url: string) => Promise<DiscoveryAnswer | Error>,
): Promise<DiscoveryAnswer> {
  let absent: Error | undefined
  for (const url of urls) {
    const answer = await ask(url)
    if (!(answer instanceof Error)) return answer
    absent = answer
  }
  throw absent
}

async function askGuarded(url: string, surroundings: Surroundings): Promise<DiscoveryAnswer | FetchFailure> {
  const answer = await fetchDocument(url, surroundings)
  if (answer instanceof FetchFailure) return answer
  if (isNothingThere(answer.status)) return new FetchFailure('status')
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
      insecureHosts,
      trustedHostnames: [new URL(url).hostname],
    })
  } catch (error) {
    // A redirect to a login page, or a page that is not even text, is a way of saying that there is nothing here.
    if (error instanceof FetchFailure && (error.reason === 'redirect' || error.reason === 'not_utf8')) return error
    throw error
  }
}

function unavailable(failure: unknown, backOffMs: number): UnavailableError {
  return new UnavailableError('ERR_ISSUER_UNAVAILABLE', {
    detail: reasonOf(failure),
    cause: failure,
    retryAfterSeconds: backOffMs / 1000,
  })
}
