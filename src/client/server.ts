import type { ServerMetadata } from 'openid-client'
import { cacheLifetimeMs } from '../kit/cache-lifetime.js'
import { type Answer, unexpectedStatus } from '../kit/fetch/guarded-response.js'
import type { JsonObject } from '../kit/json.js'
import { createRefreshing, type Loaded } from '../kit/refreshing.js'
import type { RunCall } from './calls/run-call.js'
import { applyEndpoints, type EndpointDescriptions } from './endpoints.js'
import { DiscoveryError, type OAuthClientError, ResponseError } from './errors.js'
import type { ClientSettings } from './settings.js'

/** Members of the server's metadata, by their names in RFC 8414. @group OAuth client */
export type AuthorizationServerMetadata = Readonly<ServerMetadata>

/** What a client knows of its server. */
export interface KnownServer {
  /** With explicit endpoints in place of discovered ones. */
  readonly metadata: AuthorizationServerMetadata & JsonObject
  readonly endpoints: EndpointDescriptions
}

const lifetime = { minSeconds: 600, maxSeconds: 86_400, defaultSeconds: 3600 }

/**
 * Finds the server's metadata at first use. Concurrent callers share one discovery; a failure is told to them and
 * forgotten. Once known, metadata is renewed by its `Cache-Control` (10 minutes to 24 hours), and serves on for a day
 * while renewals fail.
 */
export function createServer(settings: ClientSettings, runCall: RunCall): () => Promise<KnownServer> {
  if (settings.discovery === false) {
    const known = Promise.resolve(describe(settings, {}))
    return () => known
  }
  let loadedOnce = false
  const refreshing = createRefreshing<KnownServer>({
    load: async () => {
      const loaded = await discover(settings, runCall)
      loadedOnce = true
      return loaded
    },
    onFailure: () => undefined,
    retryAfterMs: () => (loadedOnce ? 60_000 : 0),
    clock: settings.clock,
    random: Math.random,
    refreshAheadMs: 60_000,
    staleIfErrorMs: 86_400_000,
  })
  return async () => {
    const known = refreshing.usable(settings.clock())
    if (known !== undefined) return known
    await refreshing.refresh(settings.clock())
    const loaded = refreshing.usable(settings.clock())
    if (loaded === undefined) throw refreshing.failure()?.error
    return loaded
  }
}

function describe(settings: ClientSettings, discovered: JsonObject): KnownServer {
  const { metadata, endpoints } = applyEndpoints(settings, discovered)
  return { endpoints, metadata: metadata as AuthorizationServerMetadata & JsonObject }
}

async function discover(settings: ClientSettings, runCall: RunCall): Promise<Loaded<KnownServer>> {
  for (const url of metadataUrls(settings.issuer, settings.discovery as 'auto')) {
    const found = await fetchMetadata(settings, runCall, url)
    if (found === undefined) continue
    if (found.value['issuer'] !== settings.issuer) throw failure(settings, 'ERR_DISCOVERY_ISSUER')
    return { value: describe(settings, found.value), lifetimeMs: found.lifetimeMs }
  }
  throw failure(settings, 'ERR_DISCOVERY_INVALID')
}

/**
 * The well-known addresses of an issuer's metadata, in the order they are tried: RFC 8414 §3.1 (inserted), OpenID
 * Connect inserted (RFC 8414 §5), OpenID Connect Discovery §4.1 (appended).
 */
export function metadataUrls(issuer: string, discovery: 'auto' | 'oauth2' | 'oidc'): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const oauth = `${origin}/.well-known/oauth-authorization-server${path}`
  const appended = `${origin}${path}/.well-known/openid-configuration`
  const inserted = `${origin}/.well-known/openid-configuration${path}`
  if (discovery === 'oauth2') return [oauth]
  if (discovery === 'oidc') return [appended]
  return path === '' ? [oauth, appended] : [oauth, inserted, appended]
}

/**
 * One candidate. `undefined` when the server has nothing there (any 4xx, or no JSON object): the next one is tried. Looks
 * at no member but `issuer`: what is never used may be of any type (RFC 8414 §2).
 */
async function fetchMetadata(
  settings: ClientSettings,
  runCall: RunCall,
  url: string,
): Promise<Loaded<JsonObject> | undefined> {
  const { issuer, timeoutMs, totalTimeoutMs, monotonicClock } = settings
  const deadlineMs = monotonicClock() + totalTimeoutMs
  const call = { operation: 'discovery', issuer, correlationId: crypto.randomUUID(), timeoutMs, deadlineMs } as const
  try {
    return await runCall({ circuit: 'discovery', retry: 'safe', expectsJson: true }, call, async (attempt) => {
      const headers = { accept: 'application/json' }
      await attempt.fetch(url, { method: 'GET', headers, body: undefined, redirect: 'manual' })
      const answer = attempt.answer as Answer
      if (answer.status !== 200) throw unexpectedStatus()
      if (answer.json === undefined) throw new ResponseError('ERR_RESPONSE_MALFORMED', attempt.context)
      return { value: answer.json, lifetimeMs: cacheLifetimeMs(answer.headers, lifetime) }
    })
  } catch (error) {
    if (isAbsent(error as OAuthClientError)) return undefined
    throw failure(settings, 'ERR_DISCOVERY_UNAVAILABLE', error as OAuthClientError)
  }
}

function isAbsent(error: OAuthClientError): boolean {
  if (error.code === 'ERR_RESPONSE_MALFORMED') return true
  const status = 'status' in error ? Number(error.status) : 0
  return status >= 400 && status < 500 && status !== 429
}

function failure(
  { issuer }: ClientSettings,
  code: 'ERR_DISCOVERY_ISSUER' | 'ERR_DISCOVERY_INVALID' | 'ERR_DISCOVERY_UNAVAILABLE',
  cause?: OAuthClientError,
): DiscoveryError {
  const { retryAfterMs, correlationId } = cause ?? {}
  return new DiscoveryError(code, { operation: 'discovery', issuer, cause, retryAfterMs, correlationId })
}
