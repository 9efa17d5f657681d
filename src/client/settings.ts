import { ConfigurationError } from '../errors/index.js'
import { checkIssuer } from '../issuer/identifiers.js'
import { optionalLogoutClaims } from '../issuer/logout-token.js'
import { type Clock, monotonicClock, systemClock } from '../kit/clock.js'
import type { EventListener } from '../kit/events.js'
import type { Fetch } from '../kit/fetch/platform-fetch.js'
import type { InsecureHosts } from '../kit/fetch/secure-url.js'
import { isJsonObject } from '../kit/json.js'
import {
  anything,
  checkOptions,
  choice,
  fieldValue,
  flag,
  func,
  integer,
  members,
  orFalse,
  type Rule,
  type Rules,
  required,
  takes,
  text,
} from '../kit/options.js'
import { surroundingsRules, toSurroundings } from '../kit/surroundings.js'
import {
  type BreakerOptions,
  type DpopKeyPair,
  type IdTokenOptions,
  idTokenRules,
  type OAuthClientOptions,
  type RegistrationOptions,
  type RegistrationStore,
  type RetryOptions,
  type TokenCacheOptions,
  tokenCacheRules,
} from './client-options.js'
import type { ClientCredential } from './credentials/client-credential.js'
import { isDpopPair } from './credentials/signer.js'
import { checkEndpoints, type EndpointName, endpointRules } from './endpoints.js'

type Complete<T> = { readonly [Name in keyof T]-?: Exclude<T[Name], undefined> }

/** {@link OAuthClientOptions}, complete. */
export interface ClientSettings {
  readonly fetch: Fetch
  readonly clock: Clock
  /** Sent with every request; the correlation header is added per call. */
  readonly headers: Readonly<Record<string, string>>
  readonly maxResponseBytes: number
  readonly insecureHosts: InsecureHosts
  /** Hostnames the configuration names; every other one must be on the public internet. */
  readonly trustedHostnames: readonly string[]
  readonly issuer: string
  /** `undefined` as long as none was given: a client that only discovers or registers needs none. */
  readonly clientId: string | undefined
  readonly credential: ClientCredential | undefined
  readonly registration: RegistrationOptions | undefined
  /** How it authenticates, as far as its options tell. */
  readonly authMethod: string | undefined
  /** Whether the TLS connection authenticates, and endpoints are those of `mtls_endpoint_aliases` (RFC 8705 §5). */
  readonly mtls: boolean
  readonly endpoints: Readonly<Partial<Record<EndpointName, string>>>
  readonly idToken: IdTokenOptions
  readonly optionalLogoutClaims: readonly string[]
  readonly discovery: 'auto' | 'oauth2' | 'oidc' | false
  readonly defaultPaths: boolean
  readonly timeoutMs: number
  readonly totalTimeoutMs: number
  readonly retry: Complete<RetryOptions>
  readonly breaker: Complete<BreakerOptions> | undefined
  readonly dpop: boolean | DpopKeyPair
  readonly tokenCache: Complete<TokenCacheOptions>
  readonly correlationHeader: string | undefined
  readonly monotonicClock: Clock
  readonly onEvent: EventListener | undefined
  readonly onTrace: OAuthClientOptions['onTrace']
}

const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const reservedHeaders: readonly string[] = [
  'authorization',
  'dpop',
  'content-type',
  'content-length',
  'transfer-encoding',
  'connection',
  'accept',
  'host',
  'cookie',
]
const isOwnField = (name: string): boolean => fieldName.test(name) && !reservedHeaders.includes(name.toLowerCase())
const isFieldValue = (value: unknown): boolean => typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

const ownFields: Rule = (name, value) => {
  if (value === undefined) return undefined
  if (!isJsonObject(value) || !Object.values(value).every(isFieldValue))
    return `\`${name}\` takes an object of strings.`
  const wrong = Object.keys(value).find((field) => !isOwnField(field))
  return wrong === undefined ? undefined : `\`${name}\` must not set \`${wrong}\`: use \`credential\` to authenticate.`
}

const isCredential = (value: unknown): boolean => isJsonObject(value) && typeof value['authenticate'] === 'function'

/** Each option with its check; numbers with the bounds that `options.ts` documents. */
export const clientRules: Rules<OAuthClientOptions> = {
  issuer: anything,
  clientId: text,
  credential: takes(
    isCredential,
    'a credential such as clientSecretBasic({ … }); a public client says publicClient({ … })',
  ),
  registration: members<RegistrationOptions>({
    auto: required(choice(true)),
    metadata: required(takes(isJsonObject, 'an object of client metadata')),
    store: required(members<RegistrationStore>({ load: required(func), save: required(func) })),
    initialAccessToken: text,
    keys: takes(Array.isArray, 'an array of signing keys'),
  }),
  endpoints: members<Record<EndpointName, string>>(endpointRules),
  idToken: members<IdTokenOptions>(idTokenRules),
  optionalLogoutClaims,
  discovery: choice('auto', 'oauth2', 'oidc', false),
  defaultPaths: flag,
  headers: ownFields,
  userAgent: fieldValue,
  timeoutMs: integer(1),
  totalTimeoutMs: integer(1),
  retry: orFalse(
    members<RetryOptions>({
      maxRetries: integer(0, 10),
      initialDelayMs: integer(1),
      maxDelayMs: integer(1),
      maxRetryAfterMs: integer(0, 600_000),
    }),
  ),
  breaker: orFalse(members<BreakerOptions>({ failureThreshold: integer(1, 1000), resetTimeoutMs: integer(1) })),
  dpop: takes(
    (value) => typeof value === 'boolean' || isDpopPair(value),
    'true, false, or `{ privateKey, publicKey }`, a pair of CryptoKeys that signs and verifies',
  ),
  tokenCache: members<TokenCacheOptions>(tokenCacheRules),
  correlationHeader: takes(
    (value) => typeof value === 'string' && isOwnField(value),
    'the name of a header field that the client does not set itself',
  ),
  maxResponseBytes: integer(1),
  monotonicClock: func,
  onTrace: func,
  ...surroundingsRules,
}

/** @throws {@link ConfigurationError} for the first option that cannot be right. */
export function toClientSettings(options: OAuthClientOptions): ClientSettings {
  checkOptions('createOAuthClient', options, clientRules)
  const { discovery = 'auto', defaultPaths = false, registration } = options
  const { fetch, onEvent, insecureHosts } = toSurroundings(options)
  const issuer = checkIssuer('issuer', options.issuer, insecureHosts)
  const credential = credentialFor(issuer, options)
  const endpoints = checkEndpoints(issuer, options.endpoints ?? {}, insecureHosts)
  const authMethod = credential?.method ?? registration?.metadata.token_endpoint_auth_method
  if (defaultPaths && discovery !== false)
    throw new ConfigurationError('`defaultPaths: true` needs `discovery: false`.')
  return Object.freeze({
    issuer,
    clientId: clientIdOf(options.clientId, credential),
    credential,
    registration,
    authMethod,
    mtls: authMethod === 'tls_client_auth' || authMethod === 'self_signed_tls_client_auth',
    endpoints,
    idToken: options.idToken ?? {},
    optionalLogoutClaims: [...(options.optionalLogoutClaims ?? [])],
    onTrace: options.onTrace,
    discovery,
    defaultPaths,
    fetch,
    ...timesOf(options),
    headers: headersOf(options),
    maxResponseBytes: options.maxResponseBytes ?? 262_144,
    insecureHosts,
    trustedHostnames: [issuer, ...Object.values(endpoints)].map((url) => new URL(url).hostname),
    retry: retryOf(options.retry),
    breaker: options.breaker === false ? undefined : breakerOf(options.breaker),
    dpop: options.dpop ?? false,
    tokenCache: cacheOf(options.tokenCache),
    correlationHeader: options.correlationHeader?.toLowerCase(),
    onEvent,
  })
}

function credentialFor(issuer: string, { credential, clientId, registration }: OAuthClientOptions) {
  if (registration !== undefined && (credential !== undefined || clientId !== undefined)) {
    throw new ConfigurationError(
      '`registration` gives this client its identifier and credential: leave out `clientId` and `credential`.',
    )
  }
  if (clientId !== undefined && credential === undefined) {
    throw new ConfigurationError('`clientId` needs a `credential`; a public client says publicClient({ clientId }).')
  }
  return credential !== undefined && 'for' in credential ? credential.for(issuer) : credential
}

function clientIdOf(clientId: string | undefined, credential: ClientCredential | undefined): string | undefined {
  if (credential === undefined) return undefined
  const chosen = clientId ?? credential.clientId
  if (typeof chosen !== 'string' || chosen === '') {
    throw new ConfigurationError('`clientId` takes a non-empty string: this credential names none.')
  }
  if (credential.clientId === undefined || credential.clientId === chosen) return chosen
  throw new ConfigurationError('`clientId` differs from the one of `credential`: leave it out.')
}

function headersOf({ headers = {}, userAgent = 'portcullis' }: OAuthClientOptions): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return { 'user-agent': userAgent, ...Object.fromEntries(entries) }
}

function timesOf(options: OAuthClientOptions) {
  return {
    clock: options.clock ?? systemClock,
    monotonicClock: options.monotonicClock ?? monotonicClock,
    timeoutMs: options.timeoutMs ?? 30_000,
    totalTimeoutMs: options.totalTimeoutMs ?? 120_000,
  }
}

function retryOf(retry: RetryOptions | false = {}): Complete<RetryOptions> {
  const options = retry === false ? { maxRetries: 0 } : retry
  return {
    maxRetries: options.maxRetries ?? 3,
    initialDelayMs: options.initialDelayMs ?? 1000,
    maxDelayMs: options.maxDelayMs ?? 30_000,
    maxRetryAfterMs: options.maxRetryAfterMs ?? 60_000,
  }
}

function breakerOf({ failureThreshold = 5, resetTimeoutMs = 30_000 }: BreakerOptions = {}): Complete<BreakerOptions> {
  return { failureThreshold, resetTimeoutMs }
}

function cacheOf(cache: TokenCacheOptions = {}): Complete<TokenCacheOptions> {
  return {
    maxEntries: cache.maxEntries ?? 1000,
    refreshAheadSeconds: cache.refreshAheadSeconds ?? 300,
    marginSeconds: cache.marginSeconds ?? 60,
    fallbackLifetimeSeconds: cache.fallbackLifetimeSeconds ?? 300,
  }
}
