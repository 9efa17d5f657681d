/*
 * Tries everything about a provider that can be tried without a user. Sends no token of any user, and changes nothing.
 */
import { endpointMembers } from '../client/endpoints.js'
import { ClientCallError, OAuthResponseError } from '../client/errors.js'
import { isRedirectUri } from '../client/grant-types/authorization-url.js'
import type { OAuthClient } from '../client/oauth-client.js'
import { isPortcullisError } from '../errors/index.js'
import { createKeySet } from '../issuer/key-set.js'
import { isSignatureAlgorithm } from '../jws/algorithms.js'
import { fitsAlgorithm } from '../jws/jwk.js'
import { monotonicClock, systemClock } from '../kit/clock.js'
import type { FetchFailure } from '../kit/fetch/fetch-failure.js'
import { guardedFetch } from '../kit/fetch/guarded-fetch.js'
import { isStringArray, type JsonObject } from '../kit/json.js'
import { faultOf, flag, type Rules, text } from '../kit/options.js'
import { toSurroundings } from '../kit/surroundings.js'
import { withTimeLimit } from '../kit/time-limit.js'
import type { ProviderSettings } from './provider-options.js'

/** What {@link Provider.preflight} takes. @group Login */
export interface PreflightOptions {
  /** The redirect URI that logins will use, to look whether it can be right. */
  readonly redirectUri?: string | undefined
  /** Sends a token request with a code that cannot be right, to see whether the server knows this client. Default false. */
  readonly checkClient?: boolean | undefined
}

/** What a try says. @group Login */
export interface PreflightStep {
  /** `config discovery endpoints jwks scopes pkce redirect_uri client clock`, in this order. */
  readonly name: string
  readonly status: 'success' | 'warning' | 'failure' | 'skipped'
  /** In words; fixed texts, and names the server publishes. */
  readonly message: string
  readonly details: JsonObject
  readonly durationMs: number
}

/** What all tries say. Frozen; holds no secret. @group Login */
export interface PreflightReport {
  /** The name of the provider. */
  readonly provider: string
  /** Whether no step failed. */
  readonly ok: boolean
  readonly steps: readonly PreflightStep[]
  /** ISO 8601. */
  readonly startedAt: string
  readonly completedAt: string
  readonly durationMs: number
  /** How many steps failed. */
  readonly failed: number
  readonly warnings: number
}

/** What the tries share. */
interface Preflight {
  readonly settings: ProviderSettings
  readonly client: OAuthClient
  readonly options: PreflightOptions
  metadata: JsonObject
  /** The `Date` of an answer, and the local time then. */
  date?: { readonly serverMs: number; readonly localMs: number }
}

type Outcome = Omit<PreflightStep, 'name' | 'durationMs'>

function outcome(status: Outcome['status'], message: string, details: JsonObject = {}): Outcome {
  return { status, message, details }
}

const tries: readonly (readonly [string, (preflight: Preflight) => Outcome | Promise<Outcome>])[] = [
  ['config', tryConfig],
  ['discovery', tryDiscovery],
  ['endpoints', tryEndpoints],
  ['jwks', tryKeys],
  ['scopes', tryScopes],
  ['pkce', tryPkce],
  ['redirect_uri', tryRedirectUri],
  ['client', tryClient],
  ['clock', tryClock],
]

const rules: Rules<PreflightOptions> = { redirectUri: text, checkClient: flag }
const totalTimeoutMs = 30_000
const probeTimeoutMs = 10_000
const maxProbeBytes = 1024 * 1024

/** See {@link Provider.preflight}. 30 s at most. */
export async function preflight(
  settings: ProviderSettings,
  client: OAuthClient,
  options: PreflightOptions = {},
): Promise<PreflightReport> {
  const fault = faultOf('preflight', options, rules)
  if (fault !== undefined) throw new ClientCallError('ERR_CLIENT_ARGUMENT', { issuer: settings.label, message: fault })
  const { clock = systemClock, monotonicClock: now = monotonicClock } = settings.client
  const startedAt = new Date(clock()).toISOString()
  const startedMs = now()
  const shared: Preflight = { settings, client, options, metadata: {} }
  const steps: PreflightStep[] = []
  for (const [name, run] of tries) {
    const beganMs = now()
    const leftMs = Math.max(1, startedMs + totalTimeoutMs - beganMs)
    const found = await withTimeLimit(leftMs, async () => run(shared)).catch(toFailure)
    steps.push(Object.freeze({ name, ...found, durationMs: Math.round(now() - beganMs) }))
  }
  const failed = steps.filter(({ status }) => status === 'failure').length
  return Object.freeze({
    provider: settings.name,
    ok: failed === 0,
    steps: Object.freeze(steps),
    startedAt,
    completedAt: new Date(clock()).toISOString(),
    durationMs: Math.round(now() - startedMs),
    failed,
    warnings: steps.filter(({ status }) => status === 'warning').length,
  })
}

/** Texts of our own errors hold no secret. Anything else is the end of the time. */
function toFailure(error: unknown): Outcome {
  if (isPortcullisError(error)) return outcome('failure', error.message, { code: error.code })
  return outcome('failure', 'The time of the preflight was up')
}

function tryConfig({ settings }: Preflight): Outcome {
  const { type, discoveryMode, scopes, client } = settings
  return outcome('success', 'The options hold together', { type, discoveryMode, scopes, issuer: client.issuer })
}

async function tryDiscovery(preflight: Preflight): Promise<Outcome> {
  const { settings, client } = preflight
  preflight.metadata = await client.ready({ refresh: true })
  if (settings.discoveryMode === 'manual') return outcome('skipped', 'All endpoints are given')
  const wanted = ['authorization_endpoint', 'token_endpoint', settings.type === 'oidc' && 'jwks_uri']
  const asked = settings.fetchUserInfo !== false && 'userinfo_endpoint'
  const missing = [...wanted, asked].filter((member) => member !== false && preflight.metadata[member] === undefined)
  if (missing.length === 0) return outcome('success', 'The metadata was found, and is that of the issuer')
  return outcome('warning', `The metadata does not have ${missing.join(', ')}`, { missing })
}

async function tryEndpoints(preflight: Preflight): Promise<Outcome> {
  const named = Object.entries(endpointMembers).flatMap(([name, member]) => {
    const url = preflight.metadata[member]
    return typeof url === 'string' ? [[name, url] as const] : []
  })
  if (named.length === 0) return outcome('skipped', 'There are no endpoints')
  const probed = await Promise.all(named.map(async ([name, url]) => [name, await probe(preflight, url)] as const))
  const details = Object.fromEntries(probed)
  const names = (isOne: (found: number | string) => boolean) =>
    probed.flatMap(([name, found]) => (isOne(found) ? [name] : [])).join(', ')
  const unreachable = names((found) => typeof found === 'string')
  if (unreachable !== '') return outcome('failure', `Not reachable: ${unreachable}`, details)
  const failing = names((found) => Number(found) >= 500)
  if (failing !== '') return outcome('warning', `Answering with an error of the server: ${failing}`, details)
  return outcome('success', 'Every endpoint answers', details)
}

/** The status of a plain GET, or why there is none. An answer that is not read to its end is an answer. */
async function probe(preflight: Preflight, url: string): Promise<number | string> {
  const { label, client } = preflight.settings
  const { fetch, clock, insecureHosts } = toSurroundings(client)
  const given = [label, ...Object.values(client.endpoints ?? {})]
  const trustedHostnames = given.flatMap((text) =>
    text && URL.canParse(text, label) ? [new URL(text, label).hostname] : [],
  )
  try {
    const { status, headers } = await guardedFetch(url, {
      fetch,
      insecureHosts,
      trustedHostnames,
      headers: { accept: '*/*', ...client.headers },
      timeoutMs: probeTimeoutMs,
      maxBytes: maxProbeBytes,
    })
    const serverMs = Date.parse(headers.get('date') ?? '')
    if (Number.isFinite(serverMs)) preflight.date = { serverMs, localMs: clock() }
    return status
  } catch (error) {
    const { reason } = error as FetchFailure
    if (reason === 'redirect') return 302
    return reason === 'too_large' || reason === 'not_utf8' ? 200 : reason
  }
}

async function tryKeys({ settings, metadata }: Preflight): Promise<Outcome> {
  if (settings.type === 'oauth2') return outcome('skipped', 'There are no ID tokens')
  const { issuer, idToken, ...options } = settings.client
  const jwksUri = metadata['jwks_uri']
  if (typeof jwksUri !== 'string') return outcome('failure', 'The metadata does not say where the keys are')
  const { allowInsecureLoopback, dangerouslyAllowInsecureHosts, fetch, clock } = options
  const keys = createKeySet({ issuer, jwksUri, allowInsecureLoopback, dangerouslyAllowInsecureHosts, fetch, clock })
  const published = await keys.all()
  const listed = metadata['id_token_signing_alg_values_supported']
  const accepted = (idToken?.algorithms ?? (isStringArray(listed) ? listed : ['RS256'])).filter(isSignatureAlgorithm)
  const usable = published.filter((jwk) => accepted.some((algorithm) => fitsAlgorithm(jwk, algorithm)))
  const details = { published: published.length, usable: usable.length, algorithms: accepted }
  if (usable.length === 0) return outcome('failure', 'No published key fits the algorithms of ID tokens', details)
  return outcome('success', 'There are keys for ID tokens', details)
}

function tryScopes({ settings, metadata }: Preflight): Outcome {
  const supported = metadata['scopes_supported']
  if (!isStringArray(supported)) return outcome('skipped', 'The server does not list its scopes')
  const unknown = settings.scopes.filter((scope) => !supported.includes(scope))
  if (unknown.length === 0) return outcome('success', 'The server lists every scope that is asked for')
  return outcome('warning', `The server does not list ${unknown.join(', ')}`, { unknown })
}

function tryPkce({ metadata }: Preflight): Outcome {
  const methods = metadata['code_challenge_methods_supported']
  if (!isStringArray(methods)) return outcome('warning', 'The server does not say that it checks PKCE')
  if (methods.includes('S256')) return outcome('success', 'The server checks PKCE with S256')
  return outcome('failure', 'The server does not know S256', { methods })
}

function tryRedirectUri({ options: { redirectUri } }: Preflight): Outcome {
  if (redirectUri === undefined) return outcome('skipped', 'No redirect URI was given')
  if (isRedirectUri(redirectUri)) return outcome('success', 'The redirect URI can be right')
  return outcome('failure', 'The redirect URI is no https URL (http on loopback hosts), or has a fragment')
}

/** A server that knows this client refuses the code; one that does not refuses the client. */
async function tryClient({ client, options, metadata }: Preflight): Promise<Outcome> {
  if (options.checkClient !== true)
    return outcome('skipped', 'Not asked for: `checkClient`, or `--check-client` of the command')
  const secret = crypto.randomUUID()
  const { redirectUri = 'https://portcullis.invalid/preflight' } = options
  const secrets = { state: secret, nonce: secret, codeVerifier: `${secret}${secret}` }
  const request = { redirectUri, scope: [], resource: [], maxAgeSeconds: undefined, acrValues: undefined, ...secrets }
  const callback = new URLSearchParams({ code: 'portcullis-preflight', state: secret, iss: String(metadata['issuer']) })
  try {
    await client.exchangeCode({ callback, request })
  } catch (error) {
    if (!(error instanceof OAuthResponseError)) throw error
    const isUnknown = error.code === 'ERR_INVALID_CLIENT' || error.code === 'ERR_UNAUTHORIZED_CLIENT'
    if (isUnknown) return outcome('failure', error.message, { code: error.code })
    return outcome('success', 'The server knows this client', { error: error.error })
  }
  return outcome('failure', 'The server took a code that it never issued')
}

function tryClock({ date }: Preflight): Outcome {
  if (date === undefined) return outcome('skipped', 'No answer told the time')
  const seconds = Math.round((date.localMs - date.serverMs) / 1000)
  if (Math.abs(seconds) <= 60) return outcome('success', 'The clocks agree', { seconds })
  return outcome('failure', 'This clock and that of the server are more than 60 s apart', { seconds })
}
