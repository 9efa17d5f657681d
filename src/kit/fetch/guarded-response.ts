import { fetchPublic } from '#network'
import { createRedact, type Redact, secretsOf } from '../../client/redaction.js'
import type { Clock } from '../clock.js'
import { type JsonObject, parseJsonObject } from '../json.js'
import { readRetryAfter } from '../retry-after.js'
import type { Fetch, FetchInit } from './fetch.js'
import { FetchFailure } from './fetch-failure.js'
import { isPublicHostname } from './network/public-address.js'
import { isPlatformFetch } from './platform-fetch.js'
import { readText } from './read-text.js'
import { isLoopbackHostname, readSecureUrl } from './secure-url.js'

/** What is known of one attempt; lives as long as the attempt and is never handed to a caller. */
export interface Attempt {
  /** Aborted when the time of the attempt is up, or the caller gave up. */
  readonly signal: AbortSignal
  /** Whether a successful answer must be JSON by its media type. */
  readonly expectsJson: boolean
  /** The answer to its last request, once it is there completely. */
  answer?: Answer | undefined
  /** Knows the secrets of this attempt's requests. */
  redact: Redact
}

/** One answer, read completely. */
export interface Answer {
  readonly status: number
  /** `type/subtype` in lower case. */
  readonly mediaType: string
  readonly retryAfterMs: number | undefined
  readonly headers: Headers
  readonly text: string
  /** The body as a JSON object; `undefined` for anything else. */
  readonly json: JsonObject | undefined
}

/** What every request of a client shares. */
export interface TransportSettings {
  readonly fetch: Fetch
  readonly clock: Clock
  /** Sent with every request; the correlation header is added per call. */
  readonly headers: Readonly<Record<string, string>>
  readonly maxResponseBytes: number
  readonly allowInsecureLoopback: boolean
  /** Hostnames the configuration names; every other one must be on the public internet. */
  readonly trustedHostnames: readonly string[]
}

/** The shape of the request `openid-client` hands to a custom fetch. */
export interface GuardedInit {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: unknown
}

/** Begins the record of one attempt. */
export function startAttempt(signal: AbortSignal, expectsJson: boolean): Attempt {
  return { signal, expectsJson, redact: createRedact([]) }
}

/**
 * `guardedFetch` for `openid-client`, which wants a `Response`: https only, no redirect followed, hosts judged, the body
 * read up to a size limit and within the time of the attempt. The answer is remembered in `attempt`.
 *
 * @throws {@link FetchFailure}
 */
export async function guardedResponse(
  settings: TransportSettings,
  attempt: Attempt,
  url: string,
  init: GuardedInit,
): Promise<Response> {
  const target = readSecureUrl(url, settings.allowInsecureLoopback)
  if (target === undefined) throw new FetchFailure('insecure_url')
  const transport = transportTo(target.hostname, settings)
  const request = toFetchInit(settings, attempt, init)
  attempt.redact = createRedact(secretsOf(request.headers, request.body ?? ''))
  attempt.answer = undefined
  const { response, text } = await exchange(transport, url, request, settings.maxResponseBytes)
  attempt.answer = toAnswer(response, text, settings.clock())
  if (attempt.expectsJson && response.ok && !isJson(attempt.answer.mediaType)) throw new FetchFailure('media_type')
  return rebuilt(response, text)
}

function transportTo(hostname: string, settings: TransportSettings): Fetch {
  if (settings.trustedHostnames.includes(hostname)) return settings.fetch
  if (settings.allowInsecureLoopback && isLoopbackHostname(hostname)) return settings.fetch
  if (!isPublicHostname(hostname)) throw new FetchFailure('private_address')
  return isPlatformFetch(settings.fetch) ? fetchPublic : settings.fetch
}

function toFetchInit(settings: TransportSettings, attempt: Attempt, init: GuardedInit): FetchInit {
  const headers = { ...init.headers, ...settings.headers }
  const method = init.method as FetchInit['method']
  const content = init.body === undefined ? {} : { body: String(init.body) }
  return { method, headers, redirect: 'manual', signal: attempt.signal, ...content }
}

async function exchange(
  transport: Fetch,
  url: string,
  request: FetchInit,
  maxBytes: number,
): Promise<{ response: Response; text: string }> {
  try {
    const response = await transport(url, request)
    if (isRedirect(response)) {
      void response.body?.cancel().catch(() => undefined)
      throw new FetchFailure('redirect')
    }
    return { response, text: await readText(response, maxBytes) }
  } catch (error) {
    throw error instanceof FetchFailure ? error : new FetchFailure('network', error)
  }
}

function isRedirect({ status, type, redirected }: Response): boolean {
  return (status >= 300 && status < 400) || type === 'opaqueredirect' || redirected
}

function toAnswer(response: Response, text: string, nowMs: number): Answer {
  const [essence = ''] = (response.headers.get('content-type') ?? '').split(';', 1)
  return {
    status: response.status,
    mediaType: essence.trim().toLowerCase(),
    retryAfterMs: readRetryAfter(response.headers.get('retry-after'), nowMs),
    headers: response.headers,
    text,
    json: parseJsonObject(text),
  }
}

function isJson(mediaType: string): boolean {
  return mediaType === 'application/json' || /^application\/[\w.-]+\+json$/.test(mediaType)
}

/** The answer once more, with its body unread. A status that allows no body must come without one. */
function rebuilt({ status, headers }: Response, text: string): Response {
  return new Response(status === 204 || status === 205 ? null : text, { status, headers })
}

/** What an operation throws that reads the answer itself, where the status is not the one to expect. */
export function unexpectedStatus(): Error {
  return Object.assign(new Error('Unexpected status'), { code: 'OAUTH_RESPONSE_IS_NOT_CONFORM' })
}
