import type { CustomFetch } from 'openid-client'
import { emit } from '../../kit/event-sink.js'
import { FetchFailure } from '../../kit/fetch/fetch-failure.js'
import {
  type FetchedAnswer,
  type GuardedRequestOptions,
  guardedFetchWithin,
  readRetryAfter,
} from '../../kit/fetch/guarded-fetch.js'
import type { FetchInit } from '../../kit/fetch/platform-fetch.js'
import { type JsonObject, parseJsonObject } from '../../kit/json.js'
import type { ClientErrorOptions } from '../errors.js'
import type { ClientSettings } from '../settings.js'
import { traceEntry } from './trace.js'

/** One attempt of a call: what its work may use, and what is known of it. Never handed to a caller. */
export interface Attempt {
  /** For errors the operation raises itself. */
  readonly context: ClientErrorOptions & { readonly correlationId: string }
  /** The guarded fetch of this attempt, in the shape `openid-client` takes. */
  readonly fetch: CustomFetch
  /** When its last request was sent, by the monotonic clock; `undefined` before that. */
  sentAtMs?: number
  /** The answer to its last request, once it is there completely. */
  answer?: Answer | undefined
  /** What went out with its last request, and no error may repeat. */
  sent?: { readonly headers: Readonly<Record<string, string>>; readonly body: string | undefined }
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

/** What an attempt needs to know of its call. */
export interface AttemptSettings {
  readonly context: Attempt['context']
  /** Whether a successful answer must be JSON by its media type. */
  readonly expectsJson: boolean
  /** Aborted when the time of the attempt is up, or the caller gave up. */
  readonly signal: AbortSignal
}

/**
 * Begins an attempt. Its `fetch` is the guarded way out (https, no redirect, hosts judged, 256 KiB or as configured),
 * sends the headers of the client, and remembers what it sent when and what came back.
 */
export function createAttempt(settings: ClientSettings, { context, expectsJson, signal }: AttemptSettings): Attempt {
  const { clock, correlationHeader, monotonicClock } = settings
  const own = { ...settings.headers, ...(correlationHeader && { [correlationHeader]: context.correlationId }) }
  const attempt: Attempt = {
    context,
    async fetch(url, init) {
      const headers = { ...init.headers, ...own }
      const body = init.body === undefined ? undefined : String(init.body)
      const { fetch, maxResponseBytes: maxBytes, insecureHosts, trustedHostnames } = settings
      attempt.sent = { headers, body }
      attempt.answer = undefined
      attempt.sentAtMs = monotonicClock()
      const method = init.method as FetchInit['method']
      const rules = { fetch, maxBytes, insecureHosts, trustedHostnames }
      const sent = { ...rules, method, headers, body }
      const asked = guardedFetchWithin(signal, url, sent)
      const answer = await (settings.onTrace === undefined ? asked : traced(settings, context, { url, ...sent }, asked))
      const retryAfterMs = readRetryAfter(answer.headers.get('retry-after'), clock())
      attempt.answer = { ...answer, retryAfterMs, json: parseJsonObject(answer.text) }
      const response = readResponse(answer, answer.text)
      if (expectsJson && response.ok && !isJson(answer.mediaType)) throw new FetchFailure('media_type')
      return response
    },
  }
  return attempt
}

/** Tells `onTrace` of a request once it is over, answered or not. */
async function traced(
  { onTrace, monotonicClock }: ClientSettings,
  { correlationId, operation }: Attempt['context'],
  {
    url,
    method = 'GET',
    headers,
    body,
  }: Pick<GuardedRequestOptions, 'method' | 'headers' | 'body'> & { readonly url: string },
  asked: Promise<FetchedAnswer>,
): Promise<FetchedAnswer> {
  const sentAtMs = monotonicClock()
  const tell = (answer: FetchedAnswer | undefined): void => {
    const durationMs = Math.max(0, monotonicClock() - sentAtMs)
    try {
      emit(onTrace, traceEntry({ correlationId, operation, url, method, headers, body, durationMs, answer }))
    } catch {}
  }
  return asked.then(
    (answer) => {
      tell(answer)
      return answer
    },
    (error: unknown) => {
      tell(undefined)
      throw error
    },
  )
}

/** Whether a media type is one of JSON. */
export function isJson(mediaType: string): boolean {
  return mediaType === 'application/json' || /^application\/[\w.-]+\+json$/.test(mediaType)
}

/**
 * The head of an answer with `text` as its body, for `openid-client`: what was read already needs no stream, which takes
 * longer than all that is done with it.
 */
export function readResponse({ status, headers }: Pick<Answer, 'status' | 'headers'>, text: string): Response {
  const response = new Response(null, { status, headers })
  // Defined, since another Response may stand for that of the platform, whose members cannot be assigned: Hono's on Node.
  return Object.defineProperties(response, {
    text: { value: async () => text },
    json: { value: async () => JSON.parse(text) as unknown },
    clone: { value: () => readResponse(response, text) },
  })
}

/** What an operation throws that reads the answer itself, where the status is not the one to expect. */
export function unexpectedStatus(): Error {
  return Object.assign(new Error('Unexpected status'), { code: 'OAUTH_RESPONSE_IS_NOT_CONFORM' })
}
