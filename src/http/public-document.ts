/** How documents that anybody may read are answered: methods, CORS, caches. Knows nothing of what is in them. */
import type { HttpAnswer } from './http-answer.js'
import type { RequestFacts } from './request-facts.js'

/** One document as it goes over the wire. */
export interface ServedDocument {
  readonly body: string
  /** A strong entity tag, quotes included. */
  readonly etag: string
  readonly contentType: string
  /** How long clients may keep it. */
  readonly cacheControl: string
}

type Headers = HttpAnswer['headers']

const outsideTarget = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*|#.*$/gis
const allowedMethods = 'GET, HEAD, OPTIONS'

/** Path and query of a request. Every request of an application passes here, and nearly all of them name a plain path. */
export function targetOf({ url }: RequestFacts): string {
  return url.startsWith('/') && !url.includes('#') ? url : url.replace(outsideTarget, '')
}

/** The answer to other methods than `GET` and `HEAD`, which needs no document. */
export function methodAnswer({ method }: RequestFacts, corsHeaders: Headers): HttpAnswer | undefined {
  if (method === 'OPTIONS') return preflightAnswer(corsHeaders)
  if (method === 'GET' || method === 'HEAD') return undefined
  return errorAnswer(405, 'method_not_allowed', { ...corsHeaders, Allow: allowedMethods })
}

/** The answer with the document; 304 where the client has it (RFC 9110 §13.1.2). */
export function documentAnswer(
  { body, etag, contentType, cacheControl }: ServedDocument,
  request: RequestFacts,
  corsHeaders: Headers,
): HttpAnswer {
  const headers = { ...corsHeaders, 'Cache-Control': cacheControl, ETag: etag }
  if (isUnchanged(request.headerValues('if-none-match'), etag)) return { status: 304, headers, body: '' }
  const ok = { status: 200, headers: { 'Content-Type': contentType, ...headers } }
  return { ...ok, body: request.method === 'HEAD' ? '' : body }
}

/** An error of the document itself, which no cache keeps. */
export function errorAnswer(status: number, error: string, headers: Headers): HttpAnswer {
  return {
    status,
    headers: { ...headers, 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
    body: JSON.stringify({ error }),
  }
}

/** The comparison is weak, and `*` matches any document. */
function isUnchanged(fields: readonly string[], etag: string): boolean {
  const tags = fields.flatMap((field) => field.split(',')).map((tag) => tag.trim())
  return tags.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag)
}

function preflightAnswer(corsHeaders: Headers): HttpAnswer {
  const allow = { Allow: allowedMethods }
  if (Object.keys(corsHeaders).length === 0) return { status: 204, headers: allow, body: '' }
  const preflight = {
    'Access-Control-Allow-Methods': allowedMethods,
    'Access-Control-Allow-Headers': '*',
    'Access-Control-Max-Age': '86400',
  }
  return { status: 204, headers: { ...corsHeaders, ...preflight, ...allow }, body: '' }
}
