import type { HttpAnswer, RequestFacts } from './request-facts.js'

/**
 * Whether a request is a CORS preflight (Fetch §3.3.2), which carries no credentials by design. Adapters answer it with
 * {@link preflightAnswer}, unless a CORS layer before them has its own answer.
 *
 * @group Requests
 */
export function isPreflight(request: RequestFacts): boolean {
  return request.method === 'OPTIONS' && request.headerValues('access-control-request-method').length > 0
}

/**
 * What a guard says to a preflight: no refusal, since nobody was asked for a token, and nothing from any handler, since
 * nobody has shown one. What the application set before stays, CORS fields above all.
 *
 * @group Requests
 */
export const preflightAnswer: HttpAnswer = { status: 204, headers: {}, body: '' }
