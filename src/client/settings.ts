import { systemClock } from '../lib/clock.js'
import { platformFetch } from '../lib/platform-fetch.js'
import type { ClientCredential, IssuerCredentials } from './credentials/contract.js'
import { type EndpointName, resolveExplicitEndpoints } from './endpoints.js'
import { ClientConfigurationError } from './errors.js'
import type { OAuthClientListener } from './events.js'
import type { TransportSettings } from './guarded-response.js'
import type { BreakerOptions, DpopKeyPair, OAuthClientOptions, RetryOptions, TokenCacheOptions } from './options.js'
import { checkIssuer } from './urls.js'

type Complete<T> = { readonly [Name in keyof T]-?: Exclude<T[Name], undefined> }

/** {@link OAuthClientOptions}, complete. */
export interface ClientSettings extends TransportSettings {
  readonly issuer: string
  readonly clientId: string
  readonly credential: ClientCredential
  readonly endpoints: Readonly<Partial<Record<EndpointName, string>>>
  readonly discovery: 'auto' | 'oauth2' | 'oidc' | false
  readonly defaultPaths: boolean
  readonly timeoutMs: number
  readonly totalTimeoutMs: number
  readonly retry: Complete<RetryOptions>
  readonly breaker: Complete<BreakerOptions> | undefined
  readonly dpop: boolean | DpopKeyPair
  readonly tokenCache: Complete<TokenCacheOptions>
  readonly correlationHeader: string | undefined
  readonly onEvent: OAuthClientListener | undefined
}

const known: Readonly<Record<keyof OAuthClientOptions, true>> = {
  issuer: true,
  clientId: true,
  credential: true,
  endpoints: true,
  discovery: true,
  defaultPaths: true,
  headers: true,
  userAgent: true,
  timeoutMs: true,
  totalTimeoutMs: true,
  retry: true,
  breaker: true,
  dpop: true,
  tokenCache: true,
  correlationHeader: true,
  maxResponseBytes: true,
  allowInsecureLoopback: true,
  fetch: true,
  clock: true,
  onEvent: true,
}

const reservedHeaders: readonly string[] = ['authorization', 'dpop', 'content-type', 'accept', 'host', 'cookie']

/** @throws {@link ClientConfigurationError} for the first option that cannot be right. */
export function resolveSettings(options: OAuthClientOptions): ClientSettings {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name))
  if (unknown !== undefined) {
    throw mistake(`createOAuthClient has no option \`${unknown}\`. Known: ${Object.keys(known).join(', ')}.`)
  }
  const allowInsecureLoopback = options.allowInsecureLoopback ?? false
  const issuer = checkIssuer(options.issuer, allowInsecureLoopback)
  const credential = credentialFor(issuer, options.credential)
  const endpoints = resolveExplicitEndpoints(issuer, options.endpoints ?? {}, allowInsecureLoopback)
  return Object.freeze({
    issuer,
    clientId: clientIdOf(options.clientId, credential),
    credential,
    endpoints,
    discovery: options.discovery ?? 'auto',
    defaultPaths: defaultPathsOf(options),
    fetch: options.fetch ?? platformFetch,
    clock: options.clock ?? systemClock,
    headers: headersOf(options),
    maxResponseBytes: positive('maxResponseBytes', options.maxResponseBytes, 262_144),
    allowInsecureLoopback,
    trustedHostnames: [issuer, ...Object.values(endpoints)].map((url) => new URL(url).hostname),
    timeoutMs: positive('timeoutMs', options.timeoutMs, 30_000),
    totalTimeoutMs: positive('totalTimeoutMs', options.totalTimeoutMs, 120_000),
    retry: retryOf(options.retry),
    breaker: options.breaker === false ? undefined : breakerOf(options.breaker),
    dpop: options.dpop ?? false,
    tokenCache: cacheOf(options.tokenCache),
    correlationHeader: options.correlationHeader?.toLowerCase(),
    onEvent: options.onEvent,
  })
}

function credentialFor(issuer: string, credential: ClientCredential | IssuerCredentials): ClientCredential {
  if (typeof credential?.authenticate !== 'function') {
    throw mistake('`credential` takes a credential such as clientSecretBasic({ … }); a public client says none({ … }).')
  }
  return 'for' in credential ? credential.for(issuer) : credential
}

function clientIdOf(clientId: string | undefined, credential: ClientCredential): string {
  const chosen = clientId ?? credential.clientId
  if (typeof chosen !== 'string' || chosen === '') throw mistake('`clientId` takes a non-empty string.')
  if (credential.clientId === undefined || credential.clientId === chosen) return chosen
  throw mistake('`clientId` differs from the one of `credential`: leave it out.')
}

function defaultPathsOf({ defaultPaths = false, discovery }: OAuthClientOptions): boolean {
  if (defaultPaths && discovery !== false) throw mistake('`defaultPaths: true` needs `discovery: false`.')
  return defaultPaths
}

function headersOf({ headers = {}, userAgent = 'portcullis' }: OAuthClientOptions): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  const reserved = entries.find(([name]) => reservedHeaders.includes(name))
  if (reserved !== undefined) throw mistake(`\`headers\` must not set \`${reserved[0]}\`: use \`credential\`.`)
  return { 'user-agent': userAgent, ...Object.fromEntries(entries) }
}

function retryOf(retry: RetryOptions | false = {}): Complete<RetryOptions> {
  const options = retry === false ? { maxRetries: 0 } : retry
  return {
    maxRetries: range('retry.maxRetries', options.maxRetries, 3, 0, 10),
    initialDelayMs: positive('retry.initialDelayMs', options.initialDelayMs, 1000),
    maxDelayMs: positive('retry.maxDelayMs', options.maxDelayMs, 30_000),
    maxRetryAfterMs: range('retry.maxRetryAfterMs', options.maxRetryAfterMs, 60_000, 0, 600_000),
  }
}

function breakerOf(breaker: BreakerOptions = {}): Complete<BreakerOptions> {
  return {
    failureThreshold: range('breaker.failureThreshold', breaker.failureThreshold, 5, 1, 1000),
    resetTimeoutMs: positive('breaker.resetTimeoutMs', breaker.resetTimeoutMs, 30_000),
  }
}

function cacheOf(cache: TokenCacheOptions = {}): Complete<TokenCacheOptions> {
  return {
    maxEntries: range('tokenCache.maxEntries', cache.maxEntries, 1000, 0, 1_000_000),
    refreshAheadSeconds: range('tokenCache.refreshAheadSeconds', cache.refreshAheadSeconds, 300, 0, 86_400),
    marginSeconds: range('tokenCache.marginSeconds', cache.marginSeconds, 60, 0, 3600),
    fallbackLifetimeSeconds: range('tokenCache.fallbackLifetimeSeconds', cache.fallbackLifetimeSeconds, 300, 0, 86_400),
  }
}

function positive(name: string, value: number | undefined, fallback: number): number {
  return range(name, value, fallback, 1, 2_147_483_647)
}

function range(name: string, value: number | undefined, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw mistake(`\`${name}\` takes a number from ${min} to ${max}; leave it out for ${fallback}.`)
}

function mistake(message: string): ClientConfigurationError {
  return new ClientConfigurationError('ERR_CLIENT_CONFIGURATION', { message })
}
