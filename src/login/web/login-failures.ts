/*
 * What people and programs read when a login fails. Fixed texts and codes alone: nothing that a server or a request said.
 */
import { isOAuthClientError } from '../../client/errors.js'
import { clientErrorTraits } from '../../errors/client-codes.js'
import { isAuthError } from '../../errors/index.js'
import type { HttpAnswer } from '../../http/http-answer.js'
import type { RequestFacts } from '../../http/request-facts.js'
import { type Cookies, escapeHtml, jsonAnswer, pageAnswer, wantsPage } from './login-answers.js'

/** An answer that is not a success: JSON, or a page that says the same. */
export interface Failure {
  readonly status: number
  /** For programs; such as `login_failed`. */
  readonly error: string
  /** The heading of the page. */
  readonly title: string
  /** A sentence for people. */
  readonly sentence: string
  readonly code?: string | undefined
  /** Where to try again; a URL of ours. */
  readonly againUrl?: string | undefined
  readonly headers?: HttpAnswer['headers'] | undefined
}

/** Says a failure in the form that the request wants. */
export function failureAnswer(facts: RequestFacts, failure: Failure, cookies: Cookies = []): HttpAnswer {
  const { status, error, title, sentence, code, againUrl, headers } = failure
  if (!wantsPage(facts)) {
    return jsonAnswer(status, { error, error_description: sentence, code }, cookies, headers)
  }
  const again = againUrl === undefined ? '' : `\n<p><a class="b" href="${escapeHtml(againUrl)}">Start again</a></p>`
  const tail = code === undefined ? '' : `\n<p><code>${escapeHtml(code)}</code></p>`
  return pageAnswer(
    status,
    { kind: 'error', title, main: `<p>${escapeHtml(sentence)}</p>${again}${tail}` },
    cookies,
    headers,
  )
}

/** Where a store or a server does not answer: 503, and worth another try. */
function unavailable(code: string, retryAfterSeconds = 5): Failure {
  return {
    status: 503,
    error: 'temporarily_unavailable',
    title: 'Signing in does not work at the moment',
    sentence: 'Please try again in a moment.',
    code,
    headers: { 'Retry-After': String(retryAfterSeconds) },
  }
}

/**
 * The failure that an error means. `undefined` for a fault of the application, which belongs to the framework.
 */
export function failureOf(error: unknown): Failure | undefined {
  if (isAuthError(error)) {
    if (error.status === 503) return unavailable(error.code)
    if (error.status !== 403) return undefined
    return {
      status: 403,
      error: 'access_denied',
      title: 'No access',
      sentence: 'You are signed in at the provider, but you have no access to this application.',
      code: error.code,
    }
  }
  if (!isOAuthClientError(error)) return undefined
  const { code, retryable, retryAfterSeconds } = error
  if (retryable) return unavailable(code, retryAfterSeconds)
  if (code === 'ERR_LOGIN_TRANSACTION') {
    return {
      status: 400,
      error: 'login_failed',
      title: 'Please start again',
      sentence: 'This login was not started in this browser, was finished before, or took too long.',
      code,
    }
  }
  if (code === 'ERR_LOGIN_DENIED') {
    return {
      status: 403,
      error: 'access_denied',
      title: 'You did not sign in',
      sentence: 'The login was cancelled or denied.',
      code,
    }
  }
  return {
    status: 400,
    error: 'login_failed',
    title: 'The login did not work',
    sentence: `${clientErrorTraits[code].message}.`,
    code,
  }
}
