/** The HTTP answer of a refusal. Does NOT send it. */
import { type AuthError, isAuthError } from '../../errors/index.js'
import { textValue } from '../../http/header-value.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import { type AnswerSettings, type RefusalDetails, writeChallenges } from './challenge.js'

type Headers = Record<string, string | readonly string[]>

const bodyErrors: ReadonlyMap<number, string> = new Map([
  [403, 'access_denied'],
  [502, 'downstream_refused'],
  [503, 'temporarily_unavailable'],
])

const statuses: ReadonlySet<number> = new Set([400, 401, 403, 502, 503])

/**
 * Turns any error into the HTTP answer that belongs to it. Never throws. Whatever is not a refusal of this library, and
 * every 500, gets an empty body: causes, details and configuration messages stay on the server.
 */
export function toAnswer(error: unknown, context: AnswerSettings): HttpAnswer {
  try {
    if (isAuthError(error) && statuses.has(error.status)) return refusalAnswer(error, context)
  } catch {}
  return { status: 500, headers: commonHeaders(context), body: '' }
}

function refusalAnswer(error: RefusalDetails, context: AnswerSettings): HttpAnswer {
  const { status, nonce, retryAfterSeconds } = error
  const headers = commonHeaders(context)
  const challenges = writeChallenges(error, context)
  const body = errorBody(error)
  if (challenges.length > 0) headers['WWW-Authenticate'] = challenges
  if (nonce !== undefined) headers['DPoP-Nonce'] = textValue(nonce)
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds)
  if (body !== '') headers['Content-Type'] = 'application/json'
  return { status, headers, body }
}

function commonHeaders({ cors }: AnswerSettings): Headers {
  const expose = cors ? { 'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce' } : {}
  return { 'Cache-Control': 'no-store', ...expose }
}

function errorBody({ oauthError, status, description }: AuthError): string {
  const error = oauthError ?? bodyErrors.get(status)
  return error === undefined ? '' : JSON.stringify({ error, error_description: textValue(description) })
}
