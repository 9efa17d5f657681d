import { allowInsecureRequests, customFetch, discovery, type ServerMetadata } from 'openid-client'
import { cacheLifetimeMs } from '../lib/cache-lifetime.js'
import { createRefreshing, type Loaded } from '../lib/refreshing.js'
import { createCustomFetch } from './configuration.js'
import { applyEndpoints, describeEndpoints, type EndpointDescriptions } from './endpoints.js'
import { DiscoveryError, type OAuthClientError } from './errors.js'
import type { Answer } from './guarded-response.js'
import type { RunCall } from './run-call.js'
import type { ClientSettings } from './settings.js'
import { metadataUrls } from './urls.js'

/** Members of the server's metadata, by their names in RFC 8414. @group OAuth client */
export type AuthorizationServerMetadata = Readonly<ServerMetadata>

/** What a client knows of its server. */
export interface KnownServer {
  /** With explicit endpoints in place of discovered ones. */
  readonly metadata: AuthorizationServerMetadata
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

function describe(settings: ClientSettings, discovered: Partial<ServerMetadata>): KnownServer {
  const { issuer, endpoints: explicit, defaultPaths } = settings
  const endpoints = describeEndpoints(issuer, explicit, discovered, defaultPaths)
  return { endpoints, metadata: Object.freeze(applyEndpoints(issuer, discovered, endpoints)) }
}

async function discover(settings: ClientSettings, runCall: RunCall): Promise<Loaded<KnownServer>> {
  for (const url of metadataUrls(settings.issuer, settings.discovery as 'auto')) {
    const found = await fetchMetadata(settings, runCall, url)
    if (found === undefined) continue
    if (found.value.issuer !== settings.issuer) throw failure(settings, 'ERR_DISCOVERY_ISSUER')
    return { value: describe(settings, found.value), lifetimeMs: found.lifetimeMs }
  }
  throw failure(settings, 'ERR_DISCOVERY_INVALID')
}

/** One candidate. `undefined` when the server has nothing there (any 4xx, or no JSON): the next one is tried. */
async function fetchMetadata(
  settings: ClientSettings,
  runCall: RunCall,
  url: string,
): Promise<Loaded<ServerMetadata> | undefined> {
  const spec = { operation: 'discovery', circuit: 'discovery', retry: 'safe', expectsJson: true } as const
  try {
    return await runCall(spec, undefined, async (attempt) => {
      const config = await discovery(new URL(url), settings.clientId, undefined, undefined, {
        [customFetch]: createCustomFetch(settings, attempt),
        execute: settings.allowInsecureLoopback ? [allowInsecureRequests] : [],
      })
      const { headers } = attempt.answer as Answer
      return { value: config.serverMetadata(), lifetimeMs: cacheLifetimeMs(headers, lifetime) }
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
