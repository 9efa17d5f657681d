/*
 * What a client shows of its requests and answers to whoever looks for a fault. Shows names, and of values those alone that
 * are known to be public: nothing is shown because it looks harmless.
 */
import { type JsonObject, parseJsonObject } from '../../kit/json.js'
import { publicFields, publicHeaders } from '../redaction.js'

/** One request of the client and its answer, without a secret. @group OAuth client */
export interface TraceEntry {
  readonly correlationId: string
  /** The function of the client, or `discovery`. */
  readonly operation: string | undefined
  readonly method: string
  readonly host: string
  /** Without the query. */
  readonly path: string
  readonly requestHeaders: Readonly<Record<string, string>>
  /** The form or the JSON; `undefined` where none was sent. */
  readonly requestBody: string | undefined
  /** `undefined` where no answer came. */
  readonly status: number | undefined
  readonly responseHeaders: Readonly<Record<string, string>>
  /** 10,000 characters at most. */
  readonly responseBody: string | undefined
  readonly durationMs: number
}

/** A request that went out, and what came back. */
export interface TracedRequest {
  readonly correlationId: string
  readonly operation: string | undefined
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly durationMs: number
  readonly answer: { readonly status: number; readonly headers: Headers; readonly text: string } | undefined
}

const maxBodyLength = 10_000
const redacted = '[redacted]'

const publicAnswerHeaders: ReadonlySet<string> = new Set([
  ...publicHeaders,
  'cache-control',
  'content-length',
  'date',
  'retry-after',
  'server',
  'x-request-id',
])

/** Members of answers that hold no secret. Those of metadata are all public. */
const publicMembers: ReadonlySet<string> = new Set([
  ...publicFields,
  'active',
  'error',
  'expires_in',
  'interval',
  'issued_token_type',
  'refresh_expires_in',
  'refresh_token_expires_in',
  'token_type',
])

/** What may be shown of a request. */
export function traceEntry({ url, headers, body, answer, ...known }: TracedRequest): TraceEntry {
  const { host, pathname } = new URL(url)
  const isMetadata = known.operation === 'discovery'
  return Object.freeze({
    ...known,
    host,
    path: pathname,
    requestHeaders: shownHeaders(Object.entries(headers), publicHeaders),
    requestBody: body === undefined ? undefined : shownBody(body, publicFields),
    status: answer?.status,
    responseHeaders: shownHeaders(answer?.headers ?? [], publicAnswerHeaders),
    responseBody: answer && (isMetadata ? answer.text.slice(0, maxBodyLength) : shownBody(answer.text, publicMembers)),
  })
}

function shownHeaders(fields: Iterable<readonly [string, string]>, shown: ReadonlySet<string>) {
  return Object.fromEntries(
    Array.from(fields, ([name, value]) => [name, shown.has(name.toLowerCase()) ? value : redacted]),
  )
}

/** The members of a form or a JSON object; of anything else the length. */
function shownBody(text: string, shown: ReadonlySet<string>): string {
  const json = parseJsonObject(text)
  if (json !== undefined) return cut(JSON.stringify(mask(json, shown)))
  const isForm = /^[\w.~%+-]+=[^\s<>]*$/.test(text)
  if (!isForm) return `${text.length} characters`
  const fields = Array.from(new URLSearchParams(text), ([name, value]) => [name, shown.has(name) ? value : redacted])
  return cut(fields.map((field) => field.join('=')).join('&'))
}

function mask(json: JsonObject, shown: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, shown.has(name) ? value : redacted]))
}

function cut(text: string): string {
  return text.slice(0, maxBodyLength)
}
